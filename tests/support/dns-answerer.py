# A name server with one TXT record, its name, for whatever is asked, over UDP at 127.0.0.1:53 and [::1]:53. It replies from the address that
# was asked (IP_PKTINFO): dns-answerer.py NAME
import select, socket, sys

name = sys.argv[1].encode()


def open_socket(family, host, level, option):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(level, option, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    one.bind((host, 53))
    return one


def source_of(control):
    for level, kind, value in control:
        if level == socket.IPPROTO_IP and kind == 8:
            return (level, kind, bytes(4) + value[8:12] + bytes(4))
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return (level, kind, value[:16] + bytes(4))


def answer(query):
    end = query.index(0, 12) + 5
    record = b'\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00' + (len(name) + 1).to_bytes(2, 'big') + bytes([len(name)]) + name
    return query[:2] + b'\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00' + query[12:end] + record


sockets = [
    open_socket(socket.AF_INET, '127.0.0.1', socket.IPPROTO_IP, 8),
    open_socket(socket.AF_INET6, '::1', socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
]
print('ready', flush=True)
while True:
    for one in select.select(sockets, [], [])[0]:
        query, control, _, peer = one.recvmsg(512, 256)
        one.sendmsg([answer(query)], [source_of(control)], 0, peer)
