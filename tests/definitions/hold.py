"""What `run` does with the checkers that it installed: hold.py FOLDER N_FINDINGS GITLAB JUNIT RDJSON

FOLDER has the definitions. Ends with an error where a report breaks one, or tells of fewer findings.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree

import jsonschema
import xmlschema
from google.protobuf import json_format

folder, n_findings = pathlib.Path(sys.argv[1]), int(sys.argv[2])
gitlab, junit, rdjson = (pathlib.Path(path).read_text() for path in sys.argv[3:])
sys.path.insert(0, str(folder))

import reviewdog_pb2  # noqa: E402 (made by protoc)

issues = json.loads(gitlab)
jsonschema.validate(issues, {"type": "array", "items": json.loads((folder / "codeclimate.json").read_text())})
xmlschema.XMLSchema(folder / "junit-10.xsd").validate(junit)
failures = list(xml.etree.ElementTree.fromstring(junit).iter("failure"))
# Unknown fields and wrong types are errors.
result = json_format.Parse(rdjson, reviewdog_pb2.DiagnosticResult())
for told in (issues, failures, result.diagnostics):
    if len(told) < n_findings:
        sys.exit(f"{len(told)} of {n_findings} findings")
