# Answers each connection and datagram with its name, from the address it came to: answerer.py NAME tcp:127.0.0.1:80 udp:[::1]:53 …
# A place that begins with "group:" has two sockets with SO_REUSEPORT, and one with "member:" has one.
import os, selectors, socket, sys

name = sys.argv[1].encode()
selector = selectors.DefaultSelector()


def open_socket(protocol, host, port, group):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if group:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == '::' else 1)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND: else no reply leaves from an address of a local route
    if family == socket.AF_INET or host == '::':
        one.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    one.bind((host, int(port)))
    if protocol == 'tcp':
        one.listen(128)
    selector.register(one, selectors.EVENT_READ, protocol)


def answer_datagram(one):
    data, control, _, peer = one.recvmsg(2048, 256)
    reply = []
    for level, kind, value in control:
        if level == socket.IPPROTO_IP and kind == 8:  # struct in_pktinfo: interface, address to send from, address it came to
            reply.append((level, kind, bytes(4) + value[8:12] + bytes(4)))
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            reply.append((level, kind, value[:16] + bytes(4)))
    one.sendmsg([name], reply, 0, peer)


for place in sys.argv[2:]:
    group = place.startswith(('group:', 'member:'))
    protocol, rest = place.removeprefix('group:').removeprefix('member:').split(':', 1)
    host, port = rest.rsplit(':', 1)
    for _ in range(2 if place.startswith('group:') else 1):
        open_socket(protocol, host.strip('[]'), port, group)
print('ready', flush=True)
while True:
    for key, _ in selector.select():
        if key.data == 'udp':
            answer_datagram(key.fileobj)
        else:
            connection, _ = key.fileobj.accept()
            try:
                connection.sendall(name)
            except ConnectionError:
                pass  # The client has gone before its answer came.
            connection.close()
