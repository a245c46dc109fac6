"""A real S3 server on this machine, which answers one request after the other, as conditions need it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import boto3
import httpx2
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from procur.documents.s3 import Bucket

# The server's own log of each request is nobody's to read here.
logging.getLogger("werkzeug").setLevel(logging.ERROR)


class Server:
    """An S3 server that can be stopped and started again with what it holds."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", self.port, app, threaded=False)
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def bucket(self, name: str, prefix: str = "", **keys: str) -> Bucket:
        """Make a bucket of this name and say how to enter it."""
        httpx2.put(f"{self.url}/{name}").raise_for_status()
        given = {"access_key_id": "test", "secret_access_key": "test", **keys}
        return Bucket(name, prefix, endpoint=self.url, region="us-east-1", timeout=10, **given)

    @contextmanager
    def guarded(self) -> Iterator[tuple[str, str]]:
        """Let nobody in without the keys that this gives."""
        given = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        iam = boto3.client("iam", endpoint_url=self.url, region_name="us-east-1", **given)
        iam.create_user(UserName="procur")
        allow = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
        iam.put_user_policy(UserName="procur", PolicyName="all", PolicyDocument=allow)
        key = iam.create_access_key(UserName="procur")["AccessKey"]
        httpx2.post(f"{self.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        try:
            yield key["AccessKeyId"], key["SecretAccessKey"]
        finally:
            httpx2.post(f"{self.url}/moto-api/reset-auth", content=b"1000000").raise_for_status()
