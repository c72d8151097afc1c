# A game that knows its players: server.py NAME PORT HOST… "join ID" makes a player known here, "play ID" is answered with NAME if he is, else with
# "stranger"; what follows ID comes back. It binds with SO_REUSEPORT, answers from the address that was asked, and ends with its input.
import selectors, socket, sys

name, port, hosts = sys.argv[1].encode(), int(sys.argv[2]), sys.argv[3:]
players = {}


def open_socket(host):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    else:
        one.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    one.bind((host, port))
    return one


def source_of(control):
    for level, kind, value in control:
        if level == socket.IPPROTO_IP:
            return value[8:12], (level, kind, bytes(4) + value[8:12] + bytes(4))
        if level == socket.IPPROTO_IPV6:
            return value[:16], (level, kind, value[:16] + bytes(4))
    raise ValueError('no local address')


def answer(one):
    data, control, _, peer = one.recvmsg(2048, 256)
    local, source = source_of(control)
    word, player, *rest = data.split()
    key = (local, peer)
    if word == b'join':
        players[key] = player
    reply = name if players.get(key) == player else b'stranger'
    one.sendmsg([b' '.join([reply, player, *rest])], [source], 0, peer)


selector = selectors.DefaultSelector()
for host in hosts:
    selector.register(open_socket(host), selectors.EVENT_READ)
selector.register(sys.stdin, selectors.EVENT_READ)
print('ready', flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is not sys.stdin:
            answer(key.fileobj)
        elif not sys.stdin.readline():
            sys.exit()
