# Clients that say "hello", each always from its own port: greeters.py FIRST COUNT. Each line "ADDRESS PORT" on standard input has all of them
# ask there, and how often each answer came written.
import collections, json, socket, sys

first, count = int(sys.argv[1]), int(sys.argv[2])


def open_socket(family, port):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.settimeout(2)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind(('', port))
    return one


clients = {
    family: [open_socket(family, first + index) for index in range(count)]
    for family in (socket.AF_INET, socket.AF_INET6)
}


def ask(one, place):
    one.sendto(b'hello', place)
    try:
        answer, peer = one.recvfrom(100)
    except TimeoutError:
        return 'nothing'
    return answer.decode() if peer[0] == place[0] else f'{answer.decode()} from {peer[0]}'


print('ready', flush=True)
for line in sys.stdin:
    host, port = line.split()
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    print(json.dumps(collections.Counter(ask(one, (host, int(port))) for one in clients[family])), flush=True)
