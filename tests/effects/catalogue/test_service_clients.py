"""Texts that load the client of a service: what acts there is a question, what looks is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.effects.catalogue.service_clients import acts_on_service

ACTS = [
    "import stripe\nstripe.Refund.create(charge='ch_1')",
    "import boto3; boto3.client('s3').delete_bucket(Bucket='x')",
    "import boto3; print(boto3.client('secretsmanager').get_secret_value(SecretId='x'))",
    "from google.cloud import storage\nstorage.Client().bucket('x').delete()",
    "from twilio.rest import Client\nClient('a', 'b').messages.create(to='+1', body='x')",
    "from slack_sdk import WebClient\nWebClient('t').chat_postMessage(channel='c', text='x')",
    "import stripe; stripe.Customer.update('cus_1')",
    "import docker; docker.from_env().volumes.prune()",
    "const s = require('stripe')('sk'); s.refunds.create({charge: 'x'})",
    "import {S3Client, DeleteBucketCommand} from '@aws-sdk/client-s3'; c.send(new DeleteBucketCommand({}))",
    "new (require('@octokit/rest').Octokit)().repos.delete({owner: 'a', repo: 'b'})",
    "require 'aws-sdk-s3'; Aws::S3::Client.new.delete_bucket(bucket: 'x')",
    "Stripe::Refund.create charge: 'x'",
    '(new \\Stripe\\StripeClient("sk"))->refunds->create(["charge" => "x"]);',
]
LOOKS = [
    "import stripe; print(stripe.Customer.list(limit=3))",
    "import boto3; print(boto3.client('s3').list_buckets())",
    "import boto3; print(boto3.__version__)",
    "import boto3; boto3.client('s3', endpoint_url='http://localhost:4566').create_bucket(Bucket='b')",
    "import pandas as pd\nd = {}\nd.update(a=1)",
    "from kubernetes import client\nprint(client.CoreV1Api().list_namespace())",
    "require('@octokit/rest'); new Octokit().repos.get({owner: 'a'}).then(r => console.log(r.data))",
    "console.log(require('stripe/package.json').version)",
    "require 'octokit'; puts Octokit::VERSION",
    "import boto3; d = {}; d.update(a=1); d.clear()",
    "db.users.create({name: 'x'})",
]


@pytest.mark.parametrize("text", ACTS)
def test_a_call_that_acts_or_reveals_is_named(text):
    assert acts_on_service(text)


@pytest.mark.parametrize("text", LOOKS)
def test_a_call_that_looks_and_a_text_without_a_client_are_let_be(text):
    assert acts_on_service(text) == ""


@given(st.text())
def test_every_text_has_an_answer(text):
    assert isinstance(acts_on_service(text + "\nimport boto3\n" + text), str)


@pytest.mark.parametrize("piece", ["import ", "from 'a' ", "A::", "x.y(", "new A", "\\", "endpoint: "])
def test_long_texts_are_read_quickly(piece):
    before = time.perf_counter()
    acts_on_service("import boto3\n" + piece * 60_000)
    assert time.perf_counter() - before < 1.0
