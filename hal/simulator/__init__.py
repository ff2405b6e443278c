"""The virtual plant: a station's hardware that speaks the same bytes, in a process of its own or inside a test.

`python -m hal.simulator --help` starts it as a process; `Plant` is the in-process form. It shares no code with the
client side of `hal`: its own checksum, its own Modbus slave, its own encoding. It is in neither the wheel nor
the image.
"""
