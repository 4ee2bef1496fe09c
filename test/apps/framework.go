package apps

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
)

// The framework is as large as the one that most Apps are written with, and made of the same
// things: models of the objects of an API, each with fields, states, a filter and a client,
// on some modules of core. With the libraries that it imports some 820 modules are loaded, and 50 MB.
const (
	frameworkObjects = 74
	frameworkFields  = 15
	frameworkSeed    = 14
)

// frameworkCore are modules that all others import.
var frameworkCore = map[string]string{
	"core/__init__.py": `"""What everything else is built on."""
`,
	"core/decorators.py": `"""Decorators of API methods."""
# standard library
from functools import wraps


def endpoint(path, **options):
    """Marks a method as a call of an endpoint."""

    def wrap(function):
        @wraps(function)
        def call(self, *args, **kwargs):
            kwargs.setdefault('timeout', options.get('timeout', 30))
            return function(self, *args, **kwargs)

        call.path = path
        return call

    return wrap


class cached:
    """A property that is computed once."""

    def __init__(self, function):
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.function(instance)
        return value


def validated(pattern):
    """A setter whose text must match."""

    def wrap(function):
        @wraps(function)
        def call(self, value):
            if value is not None and not pattern.match(str(value)):
                raise ValueError('%r does not match %s' % (value, pattern.pattern))
            return function(self, value)

        return call

    return wrap
`,
	"core/model.py": `"""Base of all models."""
# standard library
import json
from datetime import datetime, timezone


class Field:
    """One field of a model."""

    __slots__ = ('name', 'kind', 'required', 'read_only', 'description')

    def __init__(self, name, kind, required=False, read_only=False, description=''):
        self.name = name
        self.kind = kind
        self.required = required
        self.read_only = read_only
        self.description = description


class ModelMeta(type):
    """Collects the fields of a class and of its bases."""

    def __new__(mcs, name, bases, body):
        fields = {}
        for base in bases:
            fields.update(getattr(base, 'fields', {}))
        for key, value in list(body.items()):
            if isinstance(value, Field):
                fields[key] = value
        body['fields'] = fields
        return super().__new__(mcs, name, bases, body)


class Model(metaclass=ModelMeta):
    """An object of the API."""

    def __init__(self, **values):
        self._values = {}
        self._created = datetime.now(timezone.utc)
        for name, value in values.items():
            if name in self.fields:
                self._values[name] = value

    def get(self, name, default=None):
        """Returns a field's value."""
        return self._values.get(name, default)

    def set(self, name, value):
        """Sets a field's value."""
        if self.fields[name].read_only:
            raise AttributeError('%s is read-only' % name)
        self._values[name] = value

    def json(self, **options):
        """Returns the object as JSON."""
        return json.dumps(self._values, default=str, **options)
`,
}

// frameworkTop imports what the libraries offer and all objects, as frameworks of this kind do.
const frameworkTop = `"""A framework for Apps: API, inputs, logging, and everything else, imported at once."""
# standard library
import argparse
import asyncio
import base64
import concurrent.futures
import csv
import ctypes
import gzip
import hashlib
import inspect
import ipaddress
import json
import logging
import logging.handlers
import multiprocessing
import os
import platform
import queue
import random
import re
import secrets
import signal
import sqlite3
import ssl
import statistics
import sys
import tempfile
import threading
import traceback
import uuid
import xml.etree.ElementTree
import zipfile

# third-party
import arrow
import dateutil.parser
import dateutil.relativedelta
import dateutil.tz
import jinja2
import jmespath
import paho.mqtt.client
import pydantic
import redis
import requests
import requests.adapters

# first-party
from framework.app import Framework
from framework.api import objects

__all__ = ['Framework', 'objects']
`

const frameworkApp = `"""The class that Apps use."""
# standard library
import json
import logging
import os
import platform

# third-party
import requests

# first-party
from framework.core.decorators import cached


class Framework:
    """Inputs, log, exit and API of an App."""

    def __init__(self, inputs):
        self.inputs = inputs

    @cached
    def log(self):
        """The App's log in its log folder."""
        logger = logging.getLogger('framework')
        logger.setLevel(logging.DEBUG)
        handler = logging.FileHandler(os.path.join(self.inputs['tc_log_path'], 'app.log'))
        handler.setFormatter(logging.Formatter('%(asctime)s - %(name)s - %(levelname)8s - %(message)s'))
        logger.addHandler(handler)
        return logger

    @cached
    def session(self):
        """A session with the platform's token."""
        session = requests.Session()
        session.headers.update({
            'Authorization': 'TC-Token %s' % self.inputs.get('tc_token', ''),
            'User-Agent': 'Framework/1.0 (Python %s)' % platform.python_version(),
        })
        return session

    def exit(self, code, message):
        """Leaves the message and ends."""
        with open(os.path.join(self.inputs['tc_out_path'], 'message.tc'), 'w', encoding='utf-8') as f:
            f.write(message[-254:] + '\n')
        raise SystemExit(code)
`

var (
	frameworkNouns = strings.Fields("address adversary artifact attribute campaign case certificate comment course document domain email event " +
		"file group hash host incident indicator intrusion malware note observable owner playbook report result rule security signature " +
		"system tactic tag task technique threat tool url user victim vulnerability workflow")
	frameworkParts = strings.Fields("active analyst associated base calculated created custom default display external first hidden internal last " +
		"legacy marked modified observed owner parent primary public published raw related reported score security shared source summary " +
		"tracked trusted updated verified weighted")
	frameworkKinds = []string{"str", "int", "bool", "float", "datetime", "list", "dict"}
)

// addFramework generates the package deps/framework and puts the libraries that it imports beside
// it. The same bytes each time: an App's digest must not change.
func addFramework(files map[string][]byte) error {
	if err := addPython(files); err != nil {
		return err
	}
	put := func(name, text string) { files[path.Join("deps/framework", name)] = []byte(text) }
	put("__init__.py", frameworkTop)
	put("app.py", frameworkApp)
	for name, text := range frameworkCore {
		put(name, text)
	}
	random := rand.New(rand.NewPCG(frameworkSeed, frameworkSeed)) //nolint:gosec // the same each time is what is wanted
	var all strings.Builder
	all.WriteString("\"\"\"All objects of the API.\"\"\"\n")
	put("api/__init__.py", "\"\"\"The API.\"\"\"\n")
	for i := range frameworkObjects {
		o := newObject(random, i)
		for _, module := range []struct{ name, text string }{
			{"__init__", o.top()}, {"model", o.model()}, {"filter", o.filter()}, {"client", o.client()},
		} {
			put(path.Join("api/objects", o.name, module.name+".py"), module.text)
		}
		fmt.Fprintf(&all, "from framework.api.objects.%s import %s, %sClient, %sFilter  # noqa: F401\n", o.name, o.class, o.class, o.class)
	}
	put("api/objects/__init__.py", all.String())
	return nil
}

// addSourceFramework is addFramework for the App whose entry point hides bytecode from the other's.
func addSourceFramework(files map[string][]byte) error {
	run, err := sources.ReadFile("framework/run.py")
	files["main.py"] = run
	return errors.Join(err, addFramework(files))
}

// object is one of the API's objects.
type object struct {
	name, class string
	random      *rand.Rand
	fields      []string
	kinds       []string
	// strict objects are checked by pydantic; the others are plain.
	strict bool
}

func newObject(random *rand.Rand, i int) object {
	words := []string{frameworkParts[random.IntN(len(frameworkParts))], frameworkNouns[i%len(frameworkNouns)]}
	o := object{random: random, strict: i%12 == 0, name: fmt.Sprintf("%s_%s_%d", words[0], words[1], i)}
	for _, w := range words {
		o.class += strings.ToUpper(w[:1]) + w[1:]
	}
	o.class += fmt.Sprint(i)
	for f := range frameworkFields {
		o.fields = append(o.fields, fmt.Sprintf("%s_%s_%d", frameworkParts[random.IntN(len(frameworkParts))], frameworkNouns[random.IntN(len(frameworkNouns))], f))
		o.kinds = append(o.kinds, frameworkKinds[random.IntN(len(frameworkKinds))])
	}
	return o
}

func (o object) top() string {
	return fmt.Sprintf(`"""%[1]s of the API."""
from framework.api.objects.%[2]s.client import %[1]sClient
from framework.api.objects.%[2]s.filter import %[1]sFilter
from framework.api.objects.%[2]s.model import %[1]s

__all__ = ['%[1]s', '%[1]sClient', '%[1]sFilter']
`, o.class, o.name)
}

// model has an enumeration, a pattern, a dataclass or a pydantic model, and a property with a
// setter for each field.
func (o object) model() string {
	var b strings.Builder
	fmt.Fprintf(&b, `"""Model of %[1]s."""
# standard library
import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Dict, List, Optional

# third-party
from pydantic import BaseModel

# first-party
from framework.core.decorators import cached, validated
from framework.core.model import Field, Model

PATTERN = re.compile(r'^[\w .:/@-]{0,%[2]d}$')


class %[1]sState(Enum):
    """States of %[1]s."""

`, o.class, 64+o.random.IntN(900))
	for i, part := range frameworkParts[:6] {
		fmt.Fprintf(&b, "    %s = %d\n", strings.ToUpper(part), i)
	}
	base := "@dataclass\nclass %sData:\n"
	if o.strict {
		base = "class %sData(BaseModel):\n"
	}
	fmt.Fprintf(&b, "\n\n"+base+"    \"\"\"Values of %s as they are sent.\"\"\"\n\n", o.class, o.class)
	for i, f := range o.fields[:6] {
		kind := o.kinds[i]
		fmt.Fprintf(&b, "    %s: Optional[%s] = None\n", f, kind)
	}
	fmt.Fprintf(&b, "\n\nclass %s(Model):\n    \"\"\"%s of the API.\"\"\"\n\n", o.class, o.class)
	for i, f := range o.fields {
		fmt.Fprintf(&b, "    %s_field = Field('%s', '%s', required=%s, description='The %s of the object.')\n",
			f, f, o.kinds[i], pythonBool(o.random.IntN(4) == 0), strings.ReplaceAll(f, "_", " "))
	}
	for i, f := range o.fields {
		fmt.Fprintf(&b, `
    @property
    def %[1]s(self) -> Optional[Any]:
        """Returns the %[2]s, or None if it was never set."""
        value = self.get('%[1]s')
        if value is None and self.get('defaults'):
            value = self.get('defaults').get('%[1]s', %[3]d)
        if isinstance(value, str) and value.startswith('%[4]s:'):
            value = value.split(':', 1)[1].strip()
        return value

    @%[1]s.setter
    @validated(PATTERN)
    def %[1]s(self, value: Optional[Any]) -> None:
        if isinstance(value, (list, tuple)):
            value = [item for item in value if item is not None]
        elif isinstance(value, dict):
            value = {key: item for key, item in value.items() if not key.startswith('_')}
        self._values['%[1]s'] = value
`, f, strings.ReplaceAll(f, "_", " "), o.random.IntN(1000), o.kinds[i])
	}
	fmt.Fprintf(&b, `
    @cached
    def state(self) -> %[1]sState:
        """Returns the state."""
        return %[1]sState(self.get('state', 0))

    @cached
    def data(self) -> %[1]sData:
        """Returns the values as they are sent."""
        return %[1]sData(**{k: v for k, v in self._values.items() if k in %[1]sData.__annotations__})

    def merge(self, other: Dict[str, Any]) -> List[str]:
        """Takes what is newer from another and returns the names of what changed."""
        changed = []
        for name, value in sorted(other.items()):
            if name in self.fields and self._values.get(name) != value:
                self._values[name] = value
                changed.append(name)
        self._values['merged'] = datetime.now().isoformat()
        return changed
`, o.class)
	return b.String()
}

// filter has a method for each field.
func (o object) filter() string {
	var b strings.Builder
	fmt.Fprintf(&b, `"""Filter of %[1]s."""
# standard library
from enum import Enum


class Operator(Enum):
    """Operators of the query language."""

    EQ = '='
    NE = '!='
    GT = '>'
    LT = '<'


class %[1]sFilter:
    """Builds queries for %[1]s."""

    def __init__(self):
        self.clauses = []

    def _add(self, keyword, operator, value):
        if isinstance(value, list):
            value = '(%%s)' %% ','.join(str(v) for v in value)
        self.clauses.append('%%s %%s %%s' %% (keyword, operator.value, value))
        return self
`, o.class)
	for i, f := range o.fields {
		fmt.Fprintf(&b, `
    def %[1]s(self, operator: Operator, value) -> '%[3]sFilter':
        """Filters by the %[2]s.

        Args:
            operator: the operator enum for the filter.
            value: the value, a %[4]s, for the filter.
        """
        if not isinstance(operator, Operator):
            operator = Operator(str(operator).strip().upper())
        return self._add('%[1]s', operator, value)
`, f, strings.ReplaceAll(f, "_", " "), o.class, o.kinds[i])
	}
	b.WriteString("\n    @property\n    def tql(self) -> str:\n        \"\"\"Returns the query.\"\"\"\n        return ' and '.join(self.clauses)\n")
	return b.String()
}

// client has the calls of the API.
func (o object) client() string {
	var b strings.Builder
	fmt.Fprintf(&b, `"""Client of %[1]s."""
# standard library
import logging
from typing import Any, Iterator, Optional

# first-party
from framework.api.objects.%[2]s.filter import %[1]sFilter
from framework.api.objects.%[2]s.model import %[1]s
from framework.core.decorators import endpoint

_logger = logging.getLogger(__name__.split('.', maxsplit=1)[0])


class %[1]sClient:
    """Reads and writes %[1]s."""

    path = '/v3/%[2]s'

    def __init__(self, session: Any, url: str):
        self.session = session
        self.url = url
        self.filter = %[1]sFilter()
`, o.class, o.name)
	for _, verb := range []string{"create", "read", "update", "delete", "search", "count"} {
		fmt.Fprintf(&b, `
    @endpoint('/v3/%[2]s/%[3]s', timeout=%[4]d)
    def %[3]s(self, item: Optional[%[1]s] = None, params: Optional[dict] = None, **options: Any) -> Iterator[%[1]s]:
        """Calls %[3]s for %[1]s and yields what comes back."""
        params = dict(params or {}, tql=self.filter.tql, resultLimit=options.pop('limit', %[5]d))
        body = item.json() if item is not None else None
        try:
            response = self.session.request('POST', self.url + self.path, params=params, data=body, **options)
            response.raise_for_status()
        except Exception as error:
            _logger.error('%[3]s of %[1]s failed: %%s', error)
            raise RuntimeError('%[3]s of %[1]s failed') from error
        for entry in response.json().get('data', []):
            yield %[1]s(**entry)
`, o.class, o.name, verb, 10+o.random.IntN(50), 100+o.random.IntN(900))
	}
	return b.String()
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
