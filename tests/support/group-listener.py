# Tells what has come to each of its sockets: group-listener.py SOCKETS HOST PORT, all with SO_REUSEPORT. It writes their cookies (SO_COOKIE) as
# JSON when they are bound, and answers a line on standard input with JSON: for each socket the datagrams, hexadecimal, that have come since the
# line before. A line that is a number closes that socket.
import json, selectors, socket, sys

count, host, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
selector = selectors.DefaultSelector()
sockets, heard = [], [[] for _ in range(count)]
for number in range(count):
    one = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    one.bind((host, port))
    selector.register(one, selectors.EVENT_READ, number)
    sockets.append(one)
selector.register(sys.stdin, selectors.EVENT_READ)
print(json.dumps([str(int.from_bytes(one.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)) for one in sockets]), flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is not sys.stdin:
            heard[key.data].append(key.fileobj.recv(2048).hex())
            continue
        line = sys.stdin.readline()
        if not line:
            sys.exit()
        if line.strip():
            selector.unregister(sockets[int(line)])
            sockets[int(line)].close()
        print(json.dumps(heard), flush=True)
        heard = [[] for _ in range(count)]
