# Runs first in the caged process: takes the other sources from the control socket, which is standard input.
import json
import socket

control = socket.socket(fileno=0)
_, descriptors, _, _ = socket.recv_fds(control, 4096, 2)
with open(descriptors[0], "rb") as stream:
    setup = json.loads(stream.read())
source = setup["sources"]["cage_runner/zygote.py"]
names = {"__name__": "cage_runner.zygote", "control": control, "setup": setup, "ready": descriptors[1]}
exec(compile(source, "cage_runner/zygote.py", "exec"), names)
