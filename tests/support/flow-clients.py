# Clients that ask again and again, each always from its own port: flow-clients.py tcp|udp ADDRESS PORT COUNT. A line on standard input has
# a report written when all have asked once more: what each was answered, without repeats, and how often each answer came.
import collections, json, select, socket, struct, sys

protocol, host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
FAMILY = socket.AF_INET6 if ':' in host else socket.AF_INET
FIRST = 20_000
histories = [[] for _ in range(count)]
counts = collections.Counter()


def open_socket(index):
    one = socket.socket(FAMILY, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
    one.settimeout(2)
    if protocol == 'tcp':
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))  # so that its port does not wait
    one.bind(('', FIRST + index))
    return one


def connect_and_ask(index):
    with open_socket(index) as one:
        one.connect((host, port))
        return one.recv(100).decode() or 'nothing'


def ask_by_datagram(one):
    one.send(b'who?')
    return one.recv(100).decode()


def answer_of(ask, whom):
    try:
        return ask(whom)
    except ConnectionError:
        return 'refused'
    except TimeoutError:
        return 'nothing'


if protocol == 'tcp':
    ask, clients = connect_and_ask, range(count)
else:
    ask, clients = ask_by_datagram, [open_socket(index) for index in range(count)]
    for one in clients:
        one.connect((host, port))


def ask_all():
    for history, client in zip(histories, clients):
        answer = answer_of(ask, client)
        counts[answer] += 1
        if history[-1:] != [answer]:
            history.append(answer)


while True:
    ask_all()
    if select.select([sys.stdin], [], [], 0)[0]:
        if not sys.stdin.readline():
            break
        ask_all()
        print(json.dumps({'histories': histories, 'counts': counts}), flush=True)
        counts.clear()
