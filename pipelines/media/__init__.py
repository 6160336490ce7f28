"""What can be done with media on this machine, by ffmpeg and Pillow."""
