# Looks which of two sockets gets datagrams to many addresses, while others change that: prober.py PORT COUNT
# Sockets are at 127.0.0.1:PORT ("a") and PORT+1 ("b"), open until the end of input. Begins at a line of it; prints how often the answer changed, and what it was.
import collections, json, socket, struct, sys

port, count = int(sys.argv[1]), int(sys.argv[2])
BATCH = 100


def open_socket(place):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.bind(('127.0.0.1', place))
    one.setblocking(False)
    return one


receivers = {'a': open_socket(port), 'b': open_socket(port + 1)}
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print('ready', flush=True)
sys.stdin.readline()
changes, last, got = 0, None, collections.Counter()


def drain(name, one, into):
    while True:
        try:
            into[struct.unpack('!I', one.recv(16))[0]] = name
        except BlockingIOError:
            return


for start in range(0, count, BATCH):
    for number in range(start, start + BATCH):
        try:
            sender.sendto(struct.pack('!I', number), ('192.0.2.%d' % (number % 256), 1 + number % 7))
        except ConnectionRefusedError:
            pass
    answers = {}
    for name, one in receivers.items():
        drain(name, one, answers)
    for number in range(start, start + BATCH):
        answer = answers.get(number, 'lost')
        got[answer] += 1
        if answer != last and last is not None:
            changes += 1
        last = answer
print(json.dumps({'changes': changes, **got}), flush=True)
sys.stdin.readline()
