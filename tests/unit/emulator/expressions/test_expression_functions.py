"""Functions one by one: the documentation's examples, the engine's measured answers, and edge cases."""

import json
from collections.abc import Callable
from random import SystemRandom
from typing import Any

import pytest

from adf_trigger.emulator.expressions import TABLE, Scope, evaluate_text

OCTETS = "application/octet-stream"


DOCUMENTED = """
    concat endsWith guid indexOf lastIndexOf replace split startsWith substring toLower toUpper trim
    contains empty first intersection join last length skip take union and equals greater greaterOrEquals
    if less lessOrEquals not or array base64 base64ToBinary base64ToString binary bool coalesce
    createArray dataUri dataUriToBinary dataUriToString decodeBase64 decodeDataUri decodeUriComponent
    encodeUriComponent float int json string uriComponent uriComponentToBinary uriComponentToString xml
    xpath add div max min mod mul rand range sub addDays addHours addMinutes addSeconds addToTime
    convertFromUtc convertTimeZone convertToUtc dayOfMonth dayOfWeek dayOfYear formatDateTime
    getFutureTime getPastTime startOfDay startOfHour startOfMonth subtractFromTime ticks utcNow
""".split()  # noqa: SIM905 - a list of words


def test_the_table_has_every_documented_function_once() -> None:
    """The documentation's list and the table agree, except for functions that refer to the run."""
    names = [function.name for function in TABLE if function.category != "reference"]

    assert sorted(names) == sorted(DOCUMENTED)
    assert len({function.name.lower() for function in TABLE}) == len(TABLE)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("concat('Baba', '''s ', 'book store')", "Baba's book store"),
        ("concat('a')", "a"),
        ("concat(1.0, json('{\"a\":1.0}'), null, false)", '1{"a":1.0}False'),
        ("endsWith('hello world', 'WORLD')", True),
        ("endsWith('hello world', '')", True),
        ("startsWith('Hello', 'hEL')", True),
        ("startsWith('stra\u00dfe', 'STRASSE')", False),
        ("indexOf('a\U0001f600b', 'B')", 3),
        ("indexOf('abc', '')", 0),
        ("lastIndexOf('banana', 'AN')", 3),
        ("lastIndexOf('abc', 'x')", -1),
        ("lastIndexOf('', '')", 0),
        ("replace('aaa', 'aa', 'b')", "ba"),
        ("split('a_b_c', '_')", ["a", "b", "c"]),
        ("split('a--b-c', '--')", ["a", "b-c"]),
        ("split('', ',')", [""]),
        ("substring('hello', 4)", "o"),
        ("substring('hello', 5, 0)", ""),
        ("substring('a\U0001f600b', 1, 2)", "\U0001f600"),
        ("substring('a\U0001f600b', 1, 1)", "\ufffd"),
        ("toUpper('stra\u00dfe \u01c6')", "STRA\u00dfE \u01c4"),
        ("toLower('\u0130STANBUL')", "\u0130stanbul"),
        ("trim('\u00a0\u2003 a \u3000\t')", "a"),
        ("trim('\u200ba')", "\u200ba"),
        ("guid()", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("guid('n')", "0f8fad5bd9cb469fa16570867728950e"),
        ("guid('B')", "{0f8fad5b-d9cb-469f-a165-70867728950e}"),
        ("guid('P')", "(0f8fad5b-d9cb-469f-a165-70867728950e)"),
        ("guid('X')", "{0x0f8fad5b,0xd9cb,0x469f,{0xa1,0x65,0x70,0x86,0x77,0x28,0x95,0x0e}}"),
    ],
)
def test_strings(expression: str, expected: object, value_of: Callable[[str], Any]) -> None:
    """Case, UTF-16 positions and white space are .NET's."""
    assert value_of(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("contains('hello world', 'world')", True),
        ("contains(createArray(1, 'a'), 1.0)", True),
        ("contains(createArray('a'), 'A')", False),
        ("contains(json('[{\"a\":[1]}]'), json('{\"a\":[1]}'))", True),
        ("contains(json('{}'), 'a')", False),
        ("empty('')", True),
        ("empty('abc')", False),
        ("empty(null)", True),
        ("empty(createArray(null))", False),
        ("first('hello')", "h"),
        ("first(createArray(0, 1, 2))", 0),
        ("first(json('[]'))", None),
        ("last('abcd')", "d"),
        ("last('a\U0001f600')", "\ufffd"),
        ("last('')", ""),
        ("length(createArray(0, 1, 2, 3))", 4),
        ("length('\U0001f600')", 2),
        ("join(createArray('a', 'b', 'c'), '.')", "a.b.c"),
        ("join(json('[[1,2],{\"a\":null}]'), '')", '[1,2]{"a":null}'),
        ("join(json('[]'), ',')", ""),
        ("skip('abc', 1)", "bc"),
        ("skip('a\U0001f600', 1)", "\U0001f600"),
        ("take('abcde', 3)", "abc"),
        ("take(createArray(0, 1), 9)", [0, 1]),
        ("take('abc', 0)", ""),
        ("union(createArray(1, 2, 3), createArray(1, 2, 10, 101))", [1, 2, 3, 10, 101]),
        ("union(json('[1,{\"a\":1}]'), json('[1.0,{\"a\":1}]'))", [1, {"a": 1}]),
        ("union(json('{}'), json('{}'))", {}),
        ("union(createArray(2, 1, 2), createArray(true, 1))", [2, 1, True]),
        ('union(json(\'{"a":{"x":1}}\'), json(\'{"a":{"y":2}}\'))', {"a": {"y": 2}}),
        ("intersection(createArray(1, 2, 3), createArray(101, 2, 1, 10), createArray(6, 8, 1, 2))", [1, 2]),
        ("intersection(createArray(1, 1), createArray(1))", [1]),
        ('intersection(json(\'{"a":1,"b":2}\'), json(\'{"a":1,"b":3}\'))', {"a": 1}),
    ],
)
def test_collections(expression: str, expected: object, value_of: Callable[[str], Any]) -> None:
    """Strings are collections of characters, items are compared by value."""
    value = value_of(expression)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("and(equals(1, 1), equals(1, 2))", False),
        ("and(true)", True),
        ("and(false, 1)", False),
        ("or(true, 1)", True),
        ("or(false, false, true)", True),
        ("if(true, 'ok', int('abc'))", "ok"),
        ("if(false, int('abc'), 'ok')", "ok"),
        ("coalesce(null, 'hello', int('abc'))", "hello"),
        ("coalesce(null, null, null)", None),
        ("coalesce(json('{}'), 1)", {}),
        ("equals(true, 1)", False),
        ("equals('a', 'A')", False),
        ("equals(json('{\"a\":1}'), json('{\"A\":1}'))", False),
        ("equals(json('[1,2]'), json('[2,1]'))", False),
        ("equals(null, null)", True),
        ("equals(9007199254740993, 9007199254740992.0)", False),
        ("greater(10, 5)", True),
        ("greater(1.5, 1)", True),
        ("greater('apple', 'banana')", False),
        ("less('\U0001f600', '\uffee')", True),
        ("lessOrEquals('apply', 'apple')", False),
        ("lessOrEquals('a', 'a')", True),
        ("greaterOrEquals(1, 1.0)", True),
    ],
)
def test_logic(expression: str, expected: object, value_of: Callable[[str], Any]) -> None:
    """Operands are evaluated only when needed; strings are ordered by their UTF-16 units."""
    assert value_of(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("add(-9223372036854775808, 9223372036854775807)", -1),
        ("add(9007199254740993, 1)", 9007199254740994),
        ("add(9007199254740993, 0.0)", 9007199254740992.0),
        ("sub(10.3, .3)", 10.0),
        ("mul(1.5, 2)", 3.0),
        ("div(10, 5)", 2),
        ("div(7, -2)", -3),
        ("div(-7, -2)", 3),
        ("div(9007199254740993, 1)", 9007199254740993),
        ("div(1, 2.0)", 0.5),
        ("mod(3, 2)", 1),
        ("mod(7, -2)", 1),
        ("mod(-7.5, 2)", -1.5),
        ("max(1, 2, 3)", 3),
        ("max(createArray(1, 2.5, 2))", 2.5),
        ("min(createArray(1, 2, 3))", 1),
        ("min(-1)", -1),
        ("rand(5, 5)", 5),
        ("range(1, 4)", [1, 2, 3, 4]),
        ("length(range(0, 100000))", 100000),
    ],
)
def test_numbers(expression: str, expected: object, value_of: Callable[[str], Any]) -> None:
    """Integers have 64 bits, an operation with a float gives a double."""
    value = value_of(expression)

    assert value == expected
    assert type(value) is type(expected)


def test_rand_never_returns_its_maximum() -> None:
    """The range is inclusive only at the starting end."""
    scope = Scope(random=SystemRandom())

    assert {evaluate_text("@rand(1, 4)", scope) for _ in range(300)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("array('hello')", ["hello"]),
        ("array(createArray(1))", [1]),
        ("array(array(json('[]')))", []),
        ("array(json('{}'))", [{}]),
        ("array(null)", [None]),
        ("base64(binary('hello'))", "aGVsbG8="),
        ("base64ToString('aGVs bG8=')", "hello"),
        ("decodeBase64('aGVsbG8=')", "hello"),
        ("base64ToString('/w==')", "\ufffd"),
        ("base64ToBinary('aGVs\nbG8=')", {"$content-type": OCTETS, "$content": "aGVsbG8="}),
        ("binary(json('{\"a\":1}'))", {"$content-type": OCTETS, "$content": "eyJhIjoxfQ=="}),
        ("binary(binary('a'))", {"$content-type": OCTETS, "$content": "YQ=="}),
        ("bool(' True ')", True),
        ("bool(-0.0)", False),
        ("createArray('h', 'e', null)", ["h", "e", None]),
        ("dataUri('hello')", "data:text/plain;charset=utf-8;base64,aGVsbG8="),
        ("dataUri(binary('x'))", f"data:{OCTETS};base64,eA=="),
        (
            "dataUriToBinary('data:text/plain;charset=utf-8;base64,aGVsbG8=')",
            {"$content-type": "text/plain;charset=utf-8", "$content": "aGVsbG8="},
        ),
        ("dataUriToString('data:,plain%20text')", "plain text"),
        ("decodeDataUri('data:application/json;base64,eyJhIjoxfQ==')", {"a": 1}),
        (
            "decodeDataUri('data:image/png;base64,AA==')",
            {"$content-type": "image/png;charset=us-ascii", "$content": "AA=="},
        ),
        ("float('10.333')", 10.333),
        ("float('1,234.5')", 1234.5),
        ("float(' -1e3 ')", -1000.0),
        ("float('.5')", 0.5),
        ("int(' +10 ')", 10),
        ("int(2.0)", 2),
        ("int(true)", 1),
        ("int('9223372036854775807')", 9223372036854775807),
        ('json(\'{"fullName": "Sophia Owen"}\')', {"fullName": "Sophia Owen"}),
        ("json(binary('[1]'))", [1]),
        ("json('[1,/* two */2,]')", [1, 2]),
        ("json('// nothing')", None),
        ("json('{''a'': ''it\\u0027s'', $b_1: [true, null]}')", {"a": "it's", "$b_1": [True, None]}),
        ("json('{a:1.5e1, b:-2,}')", {"a": 15.0, "b": -2}),
        ("int('25E2')", 2500),
        ('json(\'{"a":1,"a":2}\')', {"a": 2}),
        ("string(null)", ""),
        ("string(false)", "False"),
        ("string(binary('h\u00e9'))", "h\u00e9"),
        ('string(json(\'{"a":"\u00e9\\u2028\\u0001\\n"}\'))', '{"a":"\u00e9\\u2028\\u0001\\n"}'),
        ("uriComponent(1.5)", "1.5"),
        ("uriComponentToString('a+b%20c%C3%A9')", "a b c\u00e9"),
        ("uriComponentToString(replace(uriComponent('a\nb'), '%0A', ''))", "ab"),
        ("encodeUriComponent('/')", "%2F"),
    ],
)
def test_conversions(expression: str, expected: object, value_of: Callable[[str], Any]) -> None:
    """Between types, base64, data URIs, URI components, JSON and binary content."""
    value = value_of(expression)

    assert json.dumps(value) == json.dumps(expected)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.0", "0"),
        ("-0.0", "-0"),
        ("0.016666666666666666", "0.016666666666666666"),
        ("0.0001", "0.0001"),
        ("0.00001", "1E-05"),
        ("1.5e-7", "1.5E-07"),
        ("123456.75", "123456.75"),
        ("100000000000000.0", "100000000000000"),
        ("1e15", "1E+15"),
        ("1234567890123456.0", "1234567890123456"),
        ("12345678901234567.0", "12345678901234568"),
        ("-1.25e120", "-1.25E+120"),
    ],
)
def test_floats_are_written_as_in_dotnet(number: str, text: str, value_of: Callable[[str], Any]) -> None:
    """The shortest digits, and an exponent only where .NET writes one; JSON keeps a fraction or an exponent."""
    assert value_of(f"string({number})") == text
    in_json = text if {".", "E"} & set(text) else f"{text}.0"
    assert value_of(f"string(createArray({number}))") == f"[{in_json}]"
