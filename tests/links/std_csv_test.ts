import { assertEquals, assertThrows } from "@std/assert";
import { parse, stringify } from "@std/csv";
import { parse as parseAlone } from "@std/csv/parse";
import { stringify as stringifyAlone } from "@std/csv/stringify";

Deno.test("@std/csv has both functions in modules of their own", () => {
  assertEquals([parseAlone, stringifyAlone], [parse, stringify]);
});

Deno.test("parse() reads rows of any length, with line ends of either kind or none at the end", () => {
  const expected = [["a", "b"], ["c"], ["", ""]];
  for (
    const text of ["a,b\nc\n,", "a,b\r\nc\r\n,\r\n", "\ufeffa,b\n\n\r\nc\n,\n\n", "a,b\nc\n,\r"]
  ) {
    assertEquals(parse(text), expected);
  }
  assertEquals(parse(""), []);
  assertEquals(parse("\r\n\n"), []);
  assertEquals(parse("a\rb,c"), [["a\rb", "c"]]); // a CR alone ends no line
});

Deno.test("parse() reads quoted cells with separators, quotes and line breaks", () => {
  assertEquals(parse('"a ""b""","c,","d\r\ne\n"\n"",f'), [['a "b"', "c,", "d\ne\n"], ["", "f"]]);
  assertEquals(parse('""\n'), [[""]]); // not a blank line
});

Deno.test("parse() keeps white space, or drops it before cells with `trimLeadingSpace`", () => {
  assertEquals(parse(" a , b\n \n"), [[" a ", " b"], [" "]]);
  assertEquals(
    parse(' a ,  b," c", "d"\ne, \n', { trimLeadingSpace: true }),
    [["a ", "b", " c", "d"], ["e", ""]],
  );
});

Deno.test("parse() takes another separator, of several characters too", () => {
  assertEquals(parse("a;b,c\n", { separator: ";" }), [["a", "b,c"]]);
  assertEquals(parse('a||"b||c"', { separator: "||" }), [["a", "b||c"]]);
  for (const options of [{ separator: '"' }, { separator: "\n" }, { comment: "," }]) {
    assertThrows(() => parse("a", options), Error, "Invalid Delimiter");
  }
});

Deno.test("parse() leaves out lines that begin with `comment`", () => {
  const text = '# "one\na,#b\n#two\n #c\n"#d"\n#';
  assertEquals(parse(text, { comment: "#" }), [["a", "#b"], [" #c"], ["#d"]]);
  assertEquals(parse("#a"), [["#a"]]);
  const trimmed = parse('#1\na\n  #b,"\n#c"\n', { comment: "#", trimLeadingSpace: true });
  assertEquals(trimmed, [["a"], ["#b", "\n#c"]]); // white space before it makes it text
});

Deno.test("parse() makes records with `skipFirstRow`, `columns` or both", () => {
  const text = "a,b\n1,2\n";
  assertEquals(parse(text, { skipFirstRow: true }), [{ a: "1", b: "2" }]);
  assertEquals(parse(text, { columns: ["x", "y"] }), [{ x: "a", y: "b" }, { x: "1", y: "2" }]);
  const rows = parse(text, { skipFirstRow: true, columns: ["x", "y"] });
  const known: "x" | "y" = "y";
  assertEquals(rows.map((row) => row[known]), ["2"]);
  assertEquals(parse(text, { skipFirstRow: false }), [["a", "b"], ["1", "2"]]);
  assertEquals(parse("a\n", { skipFirstRow: true }), []);
  assertThrows(() => parse("", { skipFirstRow: true }), TypeError, "Headers must be defined");
});

Deno.test("parse() rejects a row that does not fit the header, by line", () => {
  assertThrows(
    () => parse('a,b\n1,"2\n2"\n\n3\n', { skipFirstRow: true }),
    SyntaxError,
    "Syntax error on line 5: The record has 1 fields, but the header has 2 fields",
  );
});

Deno.test("parse() checks the cells of each row with `fieldsPerRecord`", () => {
  const text = "a,b\nc,d,e";
  for (const fieldsPerRecord of [0, 2]) {
    const message = "Syntax error on line 2: expected 2 fields but got 3";
    assertThrows(() => parse(text, { fieldsPerRecord }), SyntaxError, message);
  }
  const message = "Syntax error on line 1: expected 3 fields but got 2";
  assertThrows(() => parse(text, { fieldsPerRecord: 3 }), SyntaxError, message);
  assertEquals(parse(text, { fieldsPerRecord: -1 }).length, 2);
  assertEquals(parse("", { fieldsPerRecord: 2 }), []);
});

Deno.test("parse() rejects a stray quote by line and by column in characters", () => {
  const bare = 'bare " in non-quoted-field';
  const quoted = 'extraneous or missing " in quoted-field';
  const cases: [string, number, number, number, string][] = [
    ['a 6" nail,1', 1, 1, 4, bare],
    ['a,b,🐱"', 1, 1, 6, bare],
    ['é,"🐱",c"\n', 1, 1, 8, bare],
    ['"a","b",c"', 1, 1, 10, bare],
    ['x\n\n# "\n6"', 3, 3, 3, bare], // without `comment`
    ['"a "word","b"', 1, 1, 4, quoted],
    ['x,1\n"y"y,2\n', 2, 2, 3, quoted],
    ['x\r\n\r\na,"b""\r\nc"d,e', 3, 4, 2, quoted],
    ['"a\nb","c\nd",e,"f"g', 1, 3, 8, quoted],
    ['"a" ,b', 1, 1, 3, quoted],
    ['a,b\n"d\n\n,e', 2, 5, 1, quoted], // never closed: missing after the last line
    ['a,"b\n', 1, 2, 1, quoted],
  ];
  for (const [text, record, line, column, what] of cases) {
    const { message } = assertThrows(() => parse(text), SyntaxError);
    const expected = `on line ${record}; parse error on line ${line}, column ${column}: ${what}`;
    assertEquals(message, `Syntax error ${expected}`, text);
  }
});

Deno.test("parse() finds a stray quote past comments and trimmed space", () => {
  assertThrows(
    () => parse('# "\n\n#\n a, "b"c', { comment: "#", trimLeadingSpace: true }),
    SyntaxError,
    "on line 4; parse error on line 4, column 7: extraneous",
  );
  assertThrows(
    () => parse('a\n\n# "\n 6"', { comment: "#", trimLeadingSpace: true }),
    SyntaxError,
    "on line 4; parse error on line 4, column 3: bare",
  );
  assertThrows(
    () => parse('a\n  \n 6"', { trimLeadingSpace: true }),
    SyntaxError,
    "on line 3; parse error on line 3, column 3: bare",
  );
});

Deno.test("parse() takes stray quotes as text with `lazyQuotes`", () => {
  const cases: [string, string[][]][] = [
    ['a "word","1"2",a","b', [['a "word"', '1"2', 'a"', "b"]]],
    ['a""b,c', [['a""b', "c"]]],
    ['"foo"bar"\r\n"x""y"', [['foo"bar'], ['x"y']]],
    ['"a "word","b"\n,,"\n', [['a "word', "b"], ["", "", "\n"]]],
    ['"a,b\nc', [["a,b\nc"]]],
  ];
  for (const [text, rows] of cases) assertEquals(parse(text, { lazyQuotes: true }), rows, text);
  assertEquals(parse('||||"a""', { lazyQuotes: true, separator: "||" }), [["", "", 'a"']]);
  const options = { lazyQuotes: true, comment: "#", separator: ";", trimLeadingSpace: true };
  assertEquals(parse('#"\n 6"; "7"8"', options), [['6"', '7"8']]);
});

Deno.test("stringify() writes arrays, with an empty cell for null and undefined", () => {
  assertEquals(stringify([[1, -0, "a", true, null], [undefined]]), "1,0,a,true,\r\n\r\n");
  assertEquals(stringify([[NaN, 5n, { a: [1] }, [1, 2]]]), 'NaN,5,"{""a"":[1]}","[1,2]"\r\n');
  assertEquals(stringify([]), "");
});

Deno.test("stringify() quotes cells with a separator, a quote or a line break", () => {
  assertEquals(stringify([["a,b", 'a"b', "a\nb", " a "]]), '"a,b","a""b","a\nb", a \r\n');
  assertEquals(stringify([["a,b", "a\tb"]], { separator: "\t" }), 'a,b\t"a\tb"\r\n');
  for (const separator of ['"', "\r\n"]) {
    assertThrows(() => stringify([[1]], { separator }), TypeError, "separator");
  }
});

Deno.test("stringify() writes the columns of records under their headers", () => {
  const rows = [{ name: "Deno", on: ["Rust"], repo: { org: "x" } }, { name: "a,b", repo: null }];
  const columns = ["name", ["repo", "org"], { prop: ["on", 0], header: "first, by size" }];
  assertEquals(
    stringify(rows, { columns }),
    'name,org,"first, by size"\r\nDeno,x,Rust\r\n"a,b",,\r\n',
  );
  assertEquals(stringify(rows, { columns: ["name"], headers: false }), 'Deno\r\n"a,b"\r\n');
  assertEquals(stringify([], { columns: ["a"], bom: true }), "\ufeffa\r\n");
  assertEquals(stringify([[1, 2]], { columns: [1] }), "1\r\n2\r\n");
});

Deno.test("stringify() rejects records without columns and keys of arrays", () => {
  assertThrows(() => stringify([{ a: 1 }]), TypeError, "No property accessor function");
  assertThrows(() => stringify([[1]], { columns: ["a"] }), TypeError, 'not of type "number"');
});

Deno.test("parse() reads back what stringify() writes", () => {
  const rows = [["a", 'b"', "c,\nd"], ["", " ", "é🐱"], ["#", "=1+1", "\\"]];
  assertEquals(parse(stringify(rows)), rows);
});
