/** Texts that tokenizers get wrong: blanks, line ends, digits, code, and most of Unicode's traps. */
export const HARD_TEXTS: readonly string[] = [
  "",
  " ",
  "  ",
  "   x",
  "a  b   c    d     e",
  " ".repeat(80) + "x",
  "tail ",
  "tail   ",
  "\n",
  "\n\n",
  "\n\n\n x",
  " \n \n",
  "\n".repeat(19),
  "\r\n\r\n\ra\rb",
  "\t\t a\tb",
  "x  12 y   3\n 4",
  "x = 12345 + 67,890.12",
  "3.14159e-10",
  "1/2 \u00BD \u2153 \u00B2\u00B3 \u2460\u2461 \u2167",
  "\u0663\u0664\u0665 \u0967\u0968\u0969 \uFF11\uFF12\uFF13", // Arabic, Devanagari, full-width
  "don't can't I'll we've DON'T I'M 's 'S 't '",
  "\u0130'S \u017Fs K'\u017F \u212A's", // case folding: dotted I, long s, Kelvin sign
  "def f(x):\n    return x ** 2  # square\n\n\n\tif a!=b: pass",
  "for(int i=0;i<10;++i){a[i]+=i;}\n\n  }",
  "\\frac{1}{2} \\boxed{\\sqrt[3]{x^2}} $\\mathbb{R}^n$",
  "http://a.b/c?d=e&f=g#h user@example.org _a__b___c-d--e",
  "<think>\nHmm.\n</think>",
  "< | im_end | > <|im_en <|im_end <|endoftext>",
  "A".repeat(300),
  ".".repeat(300),
  "\u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u{1F44D}\u{1F3FD} \u{1F3F3}\uFE0F\u200D\u{1F308}", // ZWJ
  "\u{1F1E9}\u{1F1EA} \u2764\uFE0F 1\uFE0F\u20E3 \u{1F4AF}\u{1F4AF}",
  "caf\u00E9 \u00F1 \u00C5 \uFB01", // NFC
  "cafe\u0301 n\u0303 A\u030A \u212B q\u0323\u0307 q\u0307\u0323", // NFD, and marks out of order
  "a\u0310e\u0301o\u0308\u0332 \u0E01\u0E33 \u0915\u094D\u0937\u093F",
  "\u1112\u1161\u11AB\u1100\u116E\u11A8 \uD55C\uAD6D", // Hangul in parts and whole
  "\u4E2D\u6587\u548C\u65E5\u672C\u8A9E\u30C6\u30AD\u30B9\u30C8 \u304B\u306A\u3002",
  "\u{20000}\u{2A6D6} \u9FFF \uF900", // CJK beyond the basic plane; a compatibility ideograph
  "\u0645\u0631\u062D\u0628\u0627 \u05E9\u05DC\u05D5\u05DD \u200Fabc\u200E \uFDFA \u0627\u064E",
  "\u0395\u03BB\u03BB\u03B7\u03BD\u03B9\u03BA\u03AC \u0420\u0443\u0441\u0441\u043A\u0438\u0439",
  "\u{1D518}\u{1D52B}\u{1D7D8}\u{1D7D9} \u01C5 \u0149 \u0131 \u1E9E",
  "zero\u200Bwidth\uFEFFjoined\u00ADsoft\u00A0nbsp\u3000wide\u2003em\u2028line\u2029par\u0085nel",
  "\u2026\u2014\u2013\u2018\u2019\u201C\u201D\u00AB\u00BB\u00B0\u20AC\u00A3\u00A7\u00B6",
  "\u001B[31mred\u001B[0m\u0000\u0001\u007F",
  "\uFFFD \uFFFE \uE000 \u{F0000}",
];
