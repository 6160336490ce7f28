"""The programs that we start: what they see of us, ffmpeg, and what ends them when we end."""
