# Answers each datagram with its name and the number of its socket: group-answerer.py NAME SOCKETS HOST PORT, all with SO_REUSEPORT.
# HOST "[::]" takes IPv4 as well. SOCKETS 0 is one without SO_REUSEPORT.
import selectors, socket, sys

name, count, host, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
family = socket.AF_INET6 if ':' in host else socket.AF_INET
selector = selectors.DefaultSelector()
for number in range(max(count, 1)):
    one = socket.socket(family, socket.SOCK_DGRAM)
    if count:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == '::' else 1)
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    one.bind((host, port))
    selector.register(one, selectors.EVENT_READ, f'{name}/{number}'.encode())
print('ready', flush=True)
while True:
    for key, _ in selector.select():
        _, peer = key.fileobj.recvfrom(2048)
        key.fileobj.sendto(key.data, peer)
