"""One running Gradio app: its description, its queue, its files."""
