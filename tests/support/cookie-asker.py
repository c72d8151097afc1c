# Sends datagrams to HOST PORT, each from a socket of its own, and writes who has answered each: cookie-asker.py HOST PORT [HEX…].
import json, socket, sys

host, port = sys.argv[1], int(sys.argv[2])


def ask(payload):
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(2)
        one.connect((host, port))
        one.send(payload)
        try:
            return one.recv(100).decode()
        except TimeoutError:
            return 'nothing'
        except ConnectionRefusedError:
            return 'refused'


print(json.dumps([ask(bytes.fromhex(text)) for text in sys.argv[3:]]))
