# Sends a datagram from each of COUNT addresses and ports that are local by a route, and waits for no answer: spoofer.py ADDRESS PORT PREFIX COUNT.
import ipaddress, socket, struct, sys

host, port, prefix, count = sys.argv[1], int(sys.argv[2]), ipaddress.ip_network(sys.argv[3]), int(sys.argv[4])
ADDRESSES = min(prefix.num_addresses - 2, 250)
FIRST = 30_000
sent = 0
while sent < count:
    one = socket.socket(socket.AF_INET if prefix.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    if prefix.version == 6:
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    one.bind(('', FIRST + sent // ADDRESSES))
    for index in range(min(ADDRESSES, count - sent)):
        source = prefix[index + 1].packed
        told = (socket.IPPROTO_IP, 8, bytes(4) + source + bytes(4)) if prefix.version == 4 else (
            socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source + bytes(4))
        one.sendmsg([b'spoofed'], [told], 0, (host, port))
        sent += 1
    one.close()
print(sent, flush=True)
