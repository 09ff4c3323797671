using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>
/// <c>format</c>, where it is asserted: each format as a pattern. Names that JSON Schema does not have ask nothing. A format whose rules are
/// no pattern (names of hosts in other scripts, IRIs …) is refused by name; a few are narrower than their rules, and serve only where a
/// text is made, not where any valid one must be accepted.
/// </summary>
internal static class Formats
{
    private const string Date = @"(?:(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[048]|[2468][048]|[13579][26])00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])))";
    private const string Time = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[zZ]|[+-](?:[01]\d|2[0-3]):[0-5]\d)";
    private const string Byte = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";
    private const string Ipv4 = Byte + @"(?:\." + Byte + "){3}";
    private const string H = "[0-9a-fA-F]{1,4}";
    private const string Ls32 = $"(?:{H}:{H}|{Ipv4})";
    private const string Ipv6 = $"(?:(?:{H}:){{6}}{Ls32}|::(?:{H}:){{5}}{Ls32}|(?:{H})?::(?:{H}:){{4}}{Ls32}|(?:(?:{H}:){{0,1}}{H})?::(?:{H}:){{3}}{Ls32}"
        + $"|(?:(?:{H}:){{0,2}}{H})?::(?:{H}:){{2}}{Ls32}|(?:(?:{H}:){{0,3}}{H})?::{H}:{Ls32}|(?:(?:{H}:){{0,4}}{H})?::{Ls32}|(?:(?:{H}:){{0,5}}{H})?::{H}|(?:(?:{H}:){{0,6}}{H})?::)";
    private const string Atext = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]";

    /// <summary>No two hyphens together: names that have been encoded (xn--) must decode.</summary>
    private const string Label = "[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20}){0,2}";
    private const string Domain = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
    private const string Pointer = "(?:/(?:[^~/]|~[01])*)*";

    private static readonly Dictionary<string, (string Pattern, bool IsExact)> Known = new()
    {
        ["date"] = (Date, true),
        ["time"] = (Time, false), // 23:59:60 is valid where it is a leap second in UTC.
        ["date-time"] = (Date + "[tT]" + Time, false),
        ["duration"] = (@"P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))", true),
        ["email"] = ($"(?:{Atext}+(?:\\.{Atext}+)*|\"(?:[ !#-[\\]-~]|\\\\[ -~])*\")@(?:{Domain}(?:\\.{Domain})*|\\[(?:{Ipv4}|IPv6:{Ipv6})\\])", true),
        ["hostname"] = ($"{Label}(?:\\.{Label}){{0,3}}", false),
        ["ipv4"] = (Ipv4, true),
        ["ipv6"] = (Ipv6, true),
        ["uuid"] = ("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", true),
        ["json-pointer"] = (Pointer, true),
        ["relative-json-pointer"] = ($"(?:0|[1-9]\\d*)(?:#|{Pointer})", true),
        ["uri"] = (@"https?://[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::\d{1,5})?(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?", false),
    };

    private static readonly HashSet<string> Refused =
        ["idn-email", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template", "regex"];

    /// <param name="narrow">A format may be narrower than its rules.</param>
    /// <returns>Null for a name that asks nothing.</returns>
    public static TextIn? Read(FormulaSpace space, SchemaNode node, string name, bool narrow)
    {
        if (Known.TryGetValue(name, out (string Pattern, bool IsExact) format) && (format.IsExact || narrow)) return ValueKeywords.Pattern(space, node, "format", $"^(?:{format.Pattern})$");
        return Known.ContainsKey(name) || Refused.Contains(name) ? throw node.Refused("format", $"'{name}' cannot be followed; use pattern") : null;
    }
}
