# Answers datagrams that begin with "hello" by its name and process, from the address that they came to, and no others:
# choosy-answerer.py NAME ADDRESS PORT [plain]. With "plain" it does not say from where. A line on standard input has it write what came.
import os, select, socket, sys

name, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
PLAIN = sys.argv[4:] == ['plain']
server = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
if server.family == socket.AF_INET6:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == '::' else 1)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
else:
    server.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
server.bind((host, port))
came = 0
print('ready', flush=True)


def source(level, kind, value):
    if level == socket.IPPROTO_IP:
        return level, kind, bytes(4) + value[8:12] + bytes(4)
    return level, kind, value[:16] + bytes(4)


while True:
    ready, _, _ = select.select([server, sys.stdin], [], [])
    if sys.stdin in ready:
        if not sys.stdin.readline():
            break
        print(came, flush=True)
    if server in ready:
        data, control, _, peer = server.recvmsg(2048, 256)
        came += 1
        if data.startswith(b'hello'):
            server.sendmsg([name.encode()], [] if PLAIN else [source(*one) for one in control], 0, peer)
