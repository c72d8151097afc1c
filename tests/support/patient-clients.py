# Connects so many times, each some milliseconds after all connections before but at most one were answered:
# patient-clients.py ADDRESS PORT COUNT MILLISECONDS. Writes the answers, and null for who still waits.
import json, select, socket, sys, time

host, port, count, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) / 1e3
answers, waiting = [], []


def read_answers(timeout):
    ready, _, _ = select.select(waiting, [], [], timeout)
    for one in ready:
        answers.append(one.recv(100).decode())
        waiting.remove(one)
        one.close()
    return ready


for _ in range(count):
    waiting.append(socket.create_connection((host, port), 5))
    while len(waiting) > 1 and read_answers(5):
        pass
    time.sleep(pause)
read_answers(1)
print(json.dumps(answers + [None for _ in waiting]))
