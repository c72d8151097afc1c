# Calls of udpgrm's socket options, and what each is answered: a number in hexadecimal, "ok" or an error. udpgrm-calls.py ADDRESS PORT
import errno, json, socket, struct, sys

host, port = sys.argv[1], int(sys.argv[2])
WORKING_GEN, SOCKET_GEN, DISSECTOR, FLOW_ASSURE, SOCKET_APP = range(200, 205)
FLOW, CBPF, BESPOKE, NOOP = 0, 1, 3, 4
family = socket.AF_INET6 if ':' in host else socket.AF_INET


def said(work):
    try:
        answer = work()
        return 'ok' if answer is None else answer.hex()
    except OSError as error:
        return errno.errorcode[error.errno]


def open_socket(shares=1, bound=True):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shares)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    if bound:
        one.bind((host, port + (1 - shares)))
    return one


def put(one, option, value):
    return said(lambda: one.setsockopt(socket.IPPROTO_UDP, option, value))


def get(one, option, size):
    return said(lambda: one.getsockopt(socket.IPPROTO_UDP, option, size))


def dissector(kind, timeout=0, apps=0, digest=0, label=b'', filter_length=0):
    return struct.pack('IIII100sI512s', kind, timeout, apps, digest, label, filter_length, b'')


unbound, alone = open_socket(bound=False), open_socket(shares=0)
one = open_socket()
answers = {
    'unbound': [get(unbound, WORKING_GEN, 4), put(unbound, SOCKET_GEN, 1), get(unbound, SOCKET_GEN, 8), put(unbound, WORKING_GEN, 1)],
    'alone': [put(alone, SOCKET_GEN, 1), put(alone, WORKING_GEN, 1)],
    'tcp': [said(lambda: socket.socket(family).setsockopt(socket.IPPROTO_UDP, WORKING_GEN, 1))],
    'no group': [get(one, WORKING_GEN, 4), get(one, DISSECTOR, 116), get(one, SOCKET_GEN, 12)],
    'short': [get(one, WORKING_GEN, 2)],
    'strange': [put(one, 205, 1), get(one, 199, 4), get(one, FLOW_ASSURE, 4)],
    'refused dissectors': [
        put(one, DISSECTOR, value)
        for value in (
            dissector(CBPF),
            dissector(CBPF, filter_length=65),
            dissector(CBPF, apps=2, filter_length=2),
            dissector(BESPOKE, digest=1),
            dissector(2),
            dissector(NOOP, filter_length=1),
            dissector(FLOW, apps=2),
        )
    ],
    'no group yet': [get(one, WORKING_GEN, 4)],
    'dissector': [put(one, DISSECTOR, struct.pack('II', FLOW | 0x8000, 99)), put(one, DISSECTOR, dissector(FLOW, 99))],
    'another dissector': [
        put(one, DISSECTOR, dissector(FLOW, 98)),
        put(one, DISSECTOR, struct.pack('I', NOOP)),
        put(one, DISSECTOR, dissector(FLOW, 99, label=b'web')),
    ],
    'group': [get(one, WORKING_GEN, 4), get(one, DISSECTOR, 8), get(one, SOCKET_GEN, 4)],
    'nobody asked for': [put(one, WORKING_GEN, 1)],
    'not registered': [put(one, FLOW_ASSURE, struct.pack('=H14x', socket.AF_INET)), put(one, FLOW_ASSURE, b'x' * 16)],
    'applications': [put(one, SOCKET_APP, 0), put(one, SOCKET_APP, 1), get(one, SOCKET_APP, 4)],
    'asked': [put(one, SOCKET_GEN, 3), get(one, SOCKET_GEN, 4), put(one, SOCKET_APP, 1)],
}
print(json.dumps(answers))
