using FineTuneService.Engine.Generation.Schemas.Formulas;

namespace FineTuneService.Engine.Generation.Schemas.Keywords;

/// <summary>
/// unevaluatedProperties and unevaluatedItems ask of what no other keyword has looked at, and that depends on which of a schema's branches
/// hold. So the ways that they can hold are listed, each with what it looks at.
/// </summary>
internal sealed class Unevaluated(SchemaReader reader)
{
    private const int MostWays = 128, Deep = 32;

    private FormulaSpace Space => reader.Space;

    /// <summary>What a schema with such keywords asks, other than by them, and by them.</summary>
    public Formula Read(SchemaNode node)
    {
        Formula? properties = node.TryGet("unevaluatedProperties", out _) ? reader.Of(node, "unevaluatedProperties") : null;
        Formula? items = node.TryGet("unevaluatedItems", out _) ? reader.Of(node, "unevaluatedItems") : null;
        return Space.Or(Ways(node, 0, isOwn: true).Select(way => Space.And(way.Formula, Properties(way, properties), Items(way, items))));
    }

    private Formula Properties(Evaluated way, Formula? others) => others is null || way.AllNames ? Space.True
        : Space.Properties(way.Names.ToDictionary(name => name, _ => Space.True), [.. way.Patterns.Select(pattern => (pattern, Space.True))], others);

    private Formula Items(Evaluated way, Formula? others) => others is null || way.AllItems ? Space.True
        : Space.Items([.. Enumerable.Repeat(Space.True, way.Items)], Space.Or([others, .. way.Containing]));

    private List<Evaluated> Ways(SchemaNode node, int depth, bool isOwn)
    {
        if (depth > Deep) throw node.Refused("unevaluatedProperties", "is above schemas that refer to each other without end");
        if (node.Json.ValueKind == System.Text.Json.JsonValueKind.True) return [Evaluated.Nothing(Space.True)];
        if (node.Json.ValueKind == System.Text.Json.JsonValueKind.False) return [];
        List<Evaluated> ways = [Own(node, isOwn)];
        foreach (string keyword in (string[])["$ref", "$dynamicRef"])
        {
            if (node.TryGet(keyword, out _)) ways = Product(node, ways, Ways(reader.Document.Target(node, keyword), depth + 1, isOwn: false));
        }
        foreach (SchemaNode part in Children(node, "allOf")) ways = Product(node, ways, Ways(part, depth + 1, isOwn: false));
        if (node.TryGet("anyOf", out _)) ways = Product(node, ways, Any(node, depth));
        SchemaNode[] one = Children(node, "oneOf");
        if (node.TryGet("oneOf", out _))
            ways = Product(node, ways, [.. one.SelectMany((part, i) => Ways(part, depth + 1, isOwn: false).Select(way => way with { Formula = Space.And(way.Formula, Applicators.Only(reader, node, one, i)) }))]);
        if (node.TryGet("if", out _)) ways = Product(node, ways, If(node, depth));
        foreach (string name in SchemaReader.Names(node, "dependentSchemas"))
        {
            Formula has = Space.And(Space.Kind(Kinds.Object), Space.Has(name));
            List<Evaluated> held = Ways(reader.Document.Child(node, "dependentSchemas", name), depth + 1, isOwn: false);
            ways = Product(node, ways, [Evaluated.Nothing(Space.Not(has)), .. held.Select(way => way with { Formula = Space.And(way.Formula, has) })]);
        }
        return Joined(ways);
    }

    private Evaluated Own(SchemaNode node, bool isOwn)
    {
        Formula formula = Space.And([.. ValueKeywords.Read(reader, node), .. ArrayKeywords.Read(reader, node), .. ObjectKeywords.Read(reader, node)]);
        if (node.TryGet("not", out _)) formula = Space.And(formula, Space.Not(reader.Of(node, "not")));
        bool names = node.TryGet("unevaluatedProperties", out _), rest = node.TryGet("unevaluatedItems", out _);
        if (!isOwn && (names || rest)) formula = Space.And(formula, reader.Of(node));
        (string[] first, string? others) = ArrayKeywords.Items(reader, node);
        return new Evaluated(
            formula, [.. SchemaReader.Names(node, "properties")], [.. SchemaReader.Names(node, "patternProperties").Select(pattern => ValueKeywords.Pattern(Space, node, "patternProperties", pattern))],
            node.TryGet("additionalProperties", out _) || (names && !isOwn), first.Length, others is not null || (rest && !isOwn),
            node.TryGet("contains", out _) ? [reader.Of(node, "contains")] : []);
    }

    private List<Evaluated> Any(SchemaNode node, int depth)
    {
        SchemaNode[] parts = Children(node, "anyOf");
        List<Evaluated> ways = [Evaluated.Nothing(Space.Or(parts.Select(reader.Of)))];
        foreach (SchemaNode part in parts)
        {
            List<Evaluated> held = Ways(part, depth + 1, isOwn: false);
            if (held.All(way => way.IsNothing)) continue;
            ways = Product(node, ways, [.. held, Evaluated.Nothing(Space.Not(reader.Of(part)))]);
        }
        return ways;
    }

    private List<Evaluated> If(SchemaNode node, int depth)
    {
        List<Evaluated> held = Ways(reader.Document.Child(node, "if"), depth + 1, isOwn: false), failed = [Evaluated.Nothing(Space.Not(reader.Of(node, "if")))];
        if (node.TryGet("then", out _)) held = Product(node, held, Ways(reader.Document.Child(node, "then"), depth + 1, isOwn: false));
        if (node.TryGet("else", out _)) failed = Product(node, failed, Ways(reader.Document.Child(node, "else"), depth + 1, isOwn: false));
        return [.. held, .. failed];
    }

    private SchemaNode[] Children(SchemaNode node, string keyword) => [.. SchemaReader.Places(node, keyword).Select(place => reader.Document.Child(node, keyword, place))];

    private List<Evaluated> Product(SchemaNode node, List<Evaluated> a, List<Evaluated> b)
    {
        if ((long)a.Count * b.Count > MostWays * 8) throw node.Refused("unevaluatedProperties", "is above so many branches that their combinations are too many");
        return Joined([.. a.SelectMany(x => b.Select(y => x.And(Space, y))).Where(way => way.Formula != Space.False)]);
    }

    private List<Evaluated> Joined(List<Evaluated> ways) => [.. ways.GroupBy(way => way.Key).Select(group => group.First() with { Formula = Space.Or(group.Select(way => way.Formula)) })];
}
