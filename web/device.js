// What kind of device a session's name tells of. The service names them, such as "Chrome on Windows".

const KINDS = [
  ["tablet", /\b(ipad|tablet|kindle|silk)\b/i],
  ["phone", /\b(iphone|ipod|android|harmonyos|windows phone|phone|mobile|handy)\b/i],
  ["desktop", /\b(windows|mac|macbook|imac|linux|chromeos|laptop|notebook|desktop|computer|pc)\b/i],
  [
    "program",
    /^(curl|wget|httpie|postman|powershell|insomnia|okhttp|axios|node|deno|bun|java|ruby|php|perl|[\w.-]*(http|python|client|bot|script|cli|sdk|requests)[\w.-]*)\b/i,
  ],
];

/** Return the kind, for which index.html has a picture. */
export function kindOf(name) {
  return KINDS.find(([, words]) => words.test(name))?.[0] ?? "other";
}
