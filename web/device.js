// The kind of device that a session's name tells of, such as "Chrome on Windows".

const KINDS = [
  [
    "program",
    /^(curl|wget|postman|powershell|insomnia|okhttp|axios|node|deno|java|ruby|php|perl|[\w.-]*(python|http|bot|client|requests|script|sdk))[\w.-]*( on |$)/i,
  ],
  ["tablet", /\b(ipad|tablet|kindle|silk)\b/i],
  ["phone", /\b(iphone|ipod|ios|android|harmonyos|phone|mobile)\b/i],
  ["desktop", /\b(windows|mac|macbook|imac|linux|chromeos|laptop|notebook|desktop|computer|pc)\b/i],
];

/** Return the kind, for which index.html has a picture. */
export function kindOf(name) {
  return KINDS.find(([, words]) => words.test(name))?.[0] ?? "other";
}
