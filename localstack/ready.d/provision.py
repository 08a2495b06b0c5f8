"""Makes on LocalStack what infra/terraform makes on AWS, from the same infra/settings.json.

LocalStack runs this file when it is ready, in Docker and in host mode alike
(it runs *.py itself, with exec: there is no __file__ here). It can be run again
on a LocalStack that runs; then new function binaries replace the old ones.

    PIMS_SETTINGS    settings.json
    PIMS_FUNCTIONS   folder of NAME-ARCH.zip, as `make functions` writes them
    PIMS_FUNCTION_X  setting X of every function, for example PIMS_FUNCTION_LOG_LEVEL=debug
"""

import json
import os
import platform
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION, ACCOUNT = "us-east-1", "000000000000"
PORT = os.environ.get("GATEWAY_LISTEN", ":4566").split(",")[0].rpartition(":")[2]
OVERRIDE = "PIMS_FUNCTION_"
ARCHITECTURES = {"x86_64": ("amd64", "x86_64"), "aarch64": ("arm64", "arm64"), "arm64": ("arm64", "arm64")}


def client(service):
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{PORT}", region_name=REGION,
                        aws_access_key_id="test", aws_secret_access_key="test",
                        config=Config(s3={"addressing_style": "path"}, read_timeout=60, retries={"max_attempts": 2}))


s3, sqs, functions, iam, apis = client("s3"), client("sqs"), client("lambda"), client("iam"), client("apigateway")


def is_there(error, *codes):
    """Tells whether a creation failed only because the thing exists; any other error is raised."""
    if error.response["Error"]["Code"] not in codes:
        raise error
    return True


def make_queue(name, q):
    """Makes a queue with its dead letters; gives URL and ARN."""
    dead = sqs.create_queue(QueueName=f"{name}-{q['dead_letter_name']}")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"MessageRetentionPeriod": str(q["dead_letter_retention_seconds"])})
    url = sqs.create_queue(QueueName=f"{name}-{q['name']}")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={
        "VisibilityTimeout": str(q["visibility_seconds"]),
        "MessageRetentionPeriod": str(q["retention_seconds"]),
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": q["max_receive_count"]})})
    return {"url": url, "arn": arn_of(url), "dead": dead}


def arn_of(queue_url):
    return sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def make_buckets(name, storage, import_arn):
    """Makes the buckets; what is put below the uploads' prefix is told to the import queue."""
    uploads, slides = f"{name}-{storage['uploads']['bucket']}", f"{name}-{storage['slides']['bucket']}"
    for bucket in (uploads, slides):
        s3.create_bucket(Bucket=bucket)
    orphans = {"ID": "orphaned-parts", "Status": "Enabled", "Filter": {"Prefix": ""},
               "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": storage["abort_multipart_days"]}}
    results = {"ID": "results", "Status": "Enabled", "Filter": {"Prefix": storage["results"]["prefix"]},
               "Expiration": {"Days": storage["results"]["expire_days"]}}
    s3.put_bucket_lifecycle_configuration(Bucket=uploads, LifecycleConfiguration={"Rules": [orphans]})
    s3.put_bucket_lifecycle_configuration(Bucket=slides, LifecycleConfiguration={"Rules": [orphans, results]})
    s3.put_bucket_cors(Bucket=uploads, CORSConfiguration={"CORSRules": [{
        "AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}]})
    rules = [{"Name": kind, "Value": storage["uploads"][kind]} for kind in ("prefix", "suffix") if storage["uploads"][kind]]
    s3.put_bucket_notification_configuration(Bucket=uploads, NotificationConfiguration={"QueueConfigurations": [{
        "Id": "import", "QueueArn": import_arn, "Events": storage["uploads"]["events"], "Filter": {"Key": {"FilterRules": rules}}}]})
    return uploads, slides


def make_role(name):
    """LocalStack wants a role but does not enforce it: infra/terraform has the real ones."""
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    except ClientError as e:
        is_there(e, "EntityAlreadyExists")
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def make_function(name, f, binary, environment, role):
    """Makes a function of a zip, or gives an existing one the zip and the settings."""
    built_for, architecture = ARCHITECTURES[platform.machine()]
    code = Path(os.environ.get("PIMS_FUNCTIONS", "/etc/pims/functions"), f"{binary}-{built_for}.zip").read_bytes()
    settings = {"Timeout": f["timeout_seconds"], "MemorySize": f["memory_mb"], "EphemeralStorage": {"Size": f["ephemeral_mb"]},
                "Environment": {"Variables": environment}}
    try:
        functions.create_function(FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=role,
                                  Architectures=[architecture], Code={"ZipFile": code}, **settings)
    except ClientError as e:
        is_there(e, "ResourceConflictException")
        functions.update_function_code(FunctionName=name, ZipFile=code)
        wait_for(name)
        functions.update_function_configuration(FunctionName=name, **settings)
    wait_for(name)


def wait_for(name):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        now = functions.get_function(FunctionName=name)["Configuration"]
        if now["State"] == "Active" and now.get("LastUpdateStatus") != "InProgress":
            return
        time.sleep(0.1)
    raise TimeoutError(f"function {name} is {now['State']} after a minute: {now.get('StateReason', 'no reason given')}")


def make_url(name):
    """Gives a function an address of its own. Buffered: LocalStack reads a streamed body as text, which ruins pictures."""
    try:
        # This tag of LocalStack makes the address http://NAME.lambda-url.… instead of a random one.
        functions.tag_resource(Resource=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}", Tags={"_custom_id_": name})
        functions.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="BUFFERED")
    except ClientError as e:
        is_there(e, "ResourceConflictException")
    return f"http://{name}.lambda-url.{REGION}.localhost:{PORT}/"


def make_rest_api(name):
    """Puts a REST API before the functions that answer requests, split as infra/terraform/modules/api splits its HTTP API.

    That LocalStack's free edition does not have; payloads are of version 1.0 here."""
    def answered_by(function):
        uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}-{function}/invocations"
        return {"x-amazon-apigateway-any-method": {
            "responses": {}, "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri}}}

    slide = "/image/{id}/{name}"
    tiles = (slide + "/tile/{tile+}", slide + "/normalized-tile/{tile+}", slide + "/{level}/{tile}")
    body = {"openapi": "3.0.1", "info": {"title": name, "version": "1"},
            # LocalStack does not know */*, which is all that AWS needs: it sends bytes only to who accepts one of these first.
            "x-amazon-apigateway-binary-media-types": ["*/*", "image/*", "application/octet-stream"],
            "paths": {path: answered_by("metadata") for path in ("/", "/{path+}")} | {path: answered_by("tiles") for path in tiles}}
    there = [api["id"] for api in apis.get_rest_apis(limit=500)["items"] if api["name"] == name]
    # This tag of LocalStack makes the address http://NAME.execute-api.… instead of a random one.
    api = there[0] if there else apis.create_rest_api(name=name, tags={"_custom_id_": name})["id"]
    apis.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(body))
    apis.create_deployment(restApiId=api, stageName="prod")
    return f"http://{api}.execute-api.localhost:{PORT}/prod/"


def make_mapping(name, f, queue_arn):
    """Makes the queue's messages invoke the function, which tells which of a batch failed."""
    if functions.list_event_source_mappings(FunctionName=name, EventSourceArn=queue_arn)["EventSourceMappings"]:
        return
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=queue_arn, BatchSize=f["batch_size"],
        MaximumBatchingWindowInSeconds=f["batching_window_seconds"],
        ScalingConfig={"MaximumConcurrency": f["maximum_concurrency"]},
        FunctionResponseTypes=["ReportBatchItemFailures"])


def wiring(queues):
    """Which queues each function is told of, as in infra/terraform/modules/functions."""
    return {
        "tiles": {},
        "metadata": {"QUEUE_URL": queues["import"]["url"]},
        "import": {"QUEUE_URL": queues["import"]["url"], "QUEUE_CONVERT_URL": queues["convert"]["url"]},
        "convert": {"QUEUE_URL": queues["convert"]["url"], "QUEUE_CONVERT_LARGE_URL": queues["large"]["url"]},
    }


def provision():
    settings = json.loads(Path(os.environ.get("PIMS_SETTINGS", "/etc/pims/settings.json")).read_text())
    name, storage = settings["name"], settings["storage"]
    queues = {key: make_queue(name, q) for key, q in settings["queues"].items()}
    uploads, slides = make_buckets(name, storage, queues["import"]["arn"])
    places = {
        "UPLOADS_URL": f"s3://{uploads}/{storage['uploads']['prefix']}",
        "STORE_URL": f"s3://{slides}/{storage['slides']['prefix']}",
        "S3_PATH_STYLE": "true",
    }
    chosen = {key.removeprefix(OVERRIDE): text for key, text in os.environ.items() if key.startswith(OVERRIDE)}
    told, role = wiring(queues), make_role(f"{name}-local")
    for key, f in settings["functions"].items():
        function = f"{name}-{key}"
        make_function(function, f, f.get("binary", key), places | f["environment"] | told[key] | chosen, role)
        if "queue" in f:
            make_mapping(function, f, queues[f["queue"]]["arn"])
        else:
            print(f"{function}: {make_url(function)}", flush=True)
    print(f"{name}: {make_rest_api(name)}", flush=True)


provision()
