"""Checks documents against the files in schemas/: a helper that tests start once and ask line by line.

Each line of standard input is a JSON object, each line of standard output the answer {"errors": [{"pointer", "message"}]}:

  {"schema": "messages/items.json", "document": …}   a document against one file
  {"http": {"method", "path", "status", "request", "request_type", "response", "response_type"}}
                                                      an exchange against openapi.yaml, when there is such a file
  {"files": true}                                     all files: are they schemas, do their references lead anywhere,
                                                      is asyncapi.yaml complete, do its examples hold

By hand: check_schemas.py DIRECTORY checks the files and prints what is wrong; DIRECTORY SCHEMA FILE a document.
"""

import json
import pathlib
import re
import sys
import warnings

# RefResolver has a successor, which Debian 12 does not have.
warnings.filterwarnings("ignore", category=DeprecationWarning)

import yaml  # noqa: E402
from jsonschema import Draft202012Validator, RefResolver  # noqa: E402

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def pointer(parts):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def problem(where, message):
    return {"pointer": where, "message": message}


class Text(yaml.SafeLoader):
    """YAML without dates: JSON has none, so an example that looks like one is text."""


Text.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Schemas:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.documents = {}
        for path in sorted(self.directory.rglob("*")):
            if path.suffix == ".json":
                self.documents[path.as_uri()] = json.loads(path.read_text())
            elif path.suffix == ".yaml":
                self.documents[path.as_uri()] = yaml.load(path.read_text(), Text)
        self.validators = {}
        self.openapi = self.documents.get(self.uri("openapi.yaml"))
        self.operations = list(self.read_operations()) if self.openapi else []

    def uri(self, name):
        return (self.directory / name).as_uri()

    # Documents

    def validator(self, schema_uri, fragment=""):
        """The validator of a whole file, or of the part that a JSON pointer names."""
        key = (schema_uri, fragment)
        if key not in self.validators:
            schema = {"$ref": schema_uri + ("#" + fragment if fragment else "")}
            resolver = RefResolver(schema_uri, self.documents[schema_uri], store=self.documents)
            self.validators[key] = Draft202012Validator(schema, resolver=resolver)
        return self.validators[key]

    def errors(self, validator, document, at=""):
        found = []
        for error in validator.iter_errors(document):
            # Of alternatives the closest one says most.
            while error.context:
                error = max(error.context, key=lambda each: (len(each.absolute_path), each.validator != "const"))
            found.append(problem(at + pointer(error.absolute_path), error.message[:500]))
        return found[:10]

    def check(self, name, document):
        uri = self.uri(name)
        if uri not in self.documents:
            return [problem("", f"there is no schemas/{name}")]
        return self.errors(self.validator(uri), document)

    # HTTP

    def follow(self, node, where):
        """The node itself, or what its reference leads to, with its JSON pointer in openapi.yaml."""
        while isinstance(node, dict) and isinstance(node.get("$ref"), str) and node["$ref"].startswith("#/"):
            where = node["$ref"][1:]
            node = self.openapi
            for part in where.split("/")[1:]:
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node, where

    def read_operations(self):
        bases = {""}
        for server in self.openapi.get("servers", []):
            path = re.sub(r"^[a-z]+://[^/]*", "", re.sub(r"\{[^}]*\}", "x", server.get("url", "")))
            bases.add(path.rstrip("/"))
        for path, item in self.openapi.get("paths", {}).items():
            item, where = self.follow(item, pointer(["paths", path]))
            own = {re.sub(r"^[a-z]+://[^/]*", "", s.get("url", "")).rstrip("/") for s in item.get("servers", [])}
            pattern = "".join(
                "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", path)
            )
            for method in METHODS & item.keys():
                for base in own or bases:
                    expression = re.compile(re.escape(base) + pattern)
                    yield method, path.count("{"), expression, item[method], where + "/" + method

    def check_http(self, exchange):
        if not self.openapi:
            return []
        method, status = exchange["method"].lower(), exchange["status"]
        path = exchange["path"].split("?")[0]
        matching = [each for each in self.operations if each[0] == method and each[2].fullmatch(path)]
        if not matching:
            unknown = status in (401, 404, 405, 429, 503)
            return [] if unknown else [problem("", f"{method.upper()} {path} is not in openapi.yaml")]
        # A literal part beats a parameter.
        _, _, _, operation, where = min(matching, key=lambda each: each[1])
        return self.check_request(exchange, operation, where) + self.check_answer(exchange, operation, where)

    def check_request(self, exchange, operation, where):
        if not 200 <= exchange["status"] < 300 or exchange.get("request") is None:
            return []
        body, place = self.follow(operation.get("requestBody", {}), where + "/requestBody")
        schema = self.media(body, place, exchange.get("request_type"))
        return self.errors(schema, exchange["request"], "request") if schema else []

    def check_answer(self, exchange, operation, where):
        status = exchange["status"]
        responses = operation.get("responses", {})
        known = {str(key): key for key in responses}
        key = next((each for each in (str(status), f"{status // 100}XX", "default") if each in known), None)
        if key is None:
            return [problem("", f"status {status} of {where} is not in openapi.yaml")]
        response, place = self.follow(responses[known[key]], where + "/responses/" + key)
        if exchange.get("response") is None:
            return []
        schema = self.media(response, place, exchange.get("response_type"))
        if schema is None:
            kind = exchange.get("response_type")
            return [problem("", f"the answer {status} of {where} has no schema of {kind} in openapi.yaml")]
        return self.errors(schema, exchange["response"], "response")

    def media(self, node, where, kind):
        """The validator of a body of this media type; None when there is no schema of it."""
        kind = (kind or "application/json").split(";")[0].strip()
        content = node.get("content", {})
        if "schema" not in content.get(kind, {}):
            return None
        part = where + "/content/" + kind.replace("~", "~0").replace("/", "~1") + "/schema"
        return self.validator(self.uri("openapi.yaml"), part)

    # The files themselves

    def check_files(self):
        found = []
        for uri, document in self.documents.items():
            name = uri[len(self.directory.as_uri()) + 1 :]
            if name.endswith(".json"):
                meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
                found += self.errors(meta, document, name)
                if document.get("$id") != name.split("/")[-1]:
                    found.append(problem(name, "its $id is not its own name"))
            for where, reference in references(document):
                if not self.leads_somewhere(uri, reference):
                    found.append(problem(name + where, f"{reference} leads nowhere"))
        return found + self.check_asyncapi()

    def leads_somewhere(self, uri, reference):
        try:
            RefResolver(uri, self.documents[uri], store=self.documents).resolve(reference)
            return True
        except Exception:
            return False

    def check_asyncapi(self):
        name = "asyncapi.yaml"
        document = self.documents.get(self.uri(name))
        if document is None:
            return [problem(name, "there is no such file")]
        found = []
        if document.get("asyncapi") != "3.0.0":
            found.append(problem(name, "asyncapi has to be 3.0.0"))
        for key, message in document.get("components", {}).get("messages", {}).items():
            payload = self.validator(self.uri(name), f"/components/messages/{key}/payload/schema")
            if not message.get("examples"):
                found.append(problem(name, f"the message {key} has no example"))
            for index, example in enumerate(message.get("examples", [])):
                at = f"{name}/components/messages/{key}/examples/{index}/payload"
                found += self.errors(payload, example.get("payload"), at)
        reached = self.reachable(self.uri(name))
        for uri in self.documents:
            part = uri[len(self.directory.as_uri()) + 1 :]
            if part.split("/")[0] in ("messages", "events") and uri not in reached:
                found.append(problem(name, f"nothing in it leads to {part}"))
        return found

    def reachable(self, start):
        seen, waiting = set(), [start]
        while waiting:
            uri = waiting.pop()
            if uri in seen or uri not in self.documents:
                continue
            seen.add(uri)
            for _, reference in references(self.documents[uri]):
                target = RefResolver(uri, {}).resolution_scope
                file = reference.split("#")[0]
                if file:
                    base = pathlib.Path(target[len("file://") :]).parent
                    waiting.append((base / file).resolve().as_uri())
        return seen


def references(node, where=""):
    """Every $ref in a document with where it stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield where, value
            else:
                yield from references(value, where + "/" + str(key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from references(value, f"{where}/{index}")


def main(arguments):
    schemas = Schemas(arguments[0])
    if len(arguments) > 1 and arguments[1] != "-":
        found = schemas.check(arguments[1], json.loads(pathlib.Path(arguments[2]).read_text()))
    elif len(arguments) == 1:
        found = schemas.check_files()
    else:
        for line in sys.stdin:
            request = json.loads(line)
            if "http" in request:
                found = schemas.check_http(request["http"])
            elif "files" in request:
                found = schemas.check_files()
            else:
                found = schemas.check(request["schema"], request["document"])
            print(json.dumps({"errors": found}), flush=True)
        return 0
    for each in found:
        print(f"{each['pointer'] or '/'}: {each['message']}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
