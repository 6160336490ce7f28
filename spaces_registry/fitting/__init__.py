"""What goes where: parameters to values, Spaces to needs."""
