# Says who answers: asker.py tcp|udp ADDRESS PORT. The answer must come from where the question went.
import socket, sys

protocol, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ':' in host else socket.AF_INET
one = socket.socket(family, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
one.settimeout(2)
try:
    one.connect((host, port))
    if protocol == 'udp':
        one.send(b'who?')
    print(one.recv(100).decode() or 'nothing')
except ConnectionRefusedError:
    print('refused')
except TimeoutError:
    print('nothing')
