"""A client in forty lines: JSON Lines on stdin and stdout, one program a logical client."""
import http.client
import json
import sys

connection = None


def say(message):
    print(json.dumps(message), flush=True)


def attempt(f, key, value):
    """Returns what became of it, and its value."""
    path = "/" + str(key)
    if f == "read":
        connection.request("GET", path)
    else:
        body = {"old": value[0], "new": value[1]} if f == "cas" else {"new": value}
        connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status == 409:
        return {"type": "fail", "refused": True}
    if answer.status != 200:
        return {"type": "info", "error": f"status {answer.status}"}
    return {"type": "ok", "value": body["value"] if f == "read" else value}


for line in sys.stdin:
    message = json.loads(line)
    if "open" in message:
        where = message["open"]
        connection = http.client.HTTPConnection(where["address"], where["ports"]["client"], timeout=5)
        say({"ready": {"process": where["process"]}})
    elif "close" in message:
        break
    else:
        reply = {"process": message["process"], "id": message["id"]}
        try:
            reply.update(attempt(message["f"], message.get("key"), message.get("value")))
        except ConnectionRefusedError as error:
            reply.update({"type": "fail", "error": str(error)})
        except Exception as error:
            connection.close()
            reply.update({"type": "info", "error": repr(error)})
        say(reply)
