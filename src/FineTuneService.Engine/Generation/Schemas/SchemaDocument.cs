using System.Text.Json;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>A schema's document: its schemas by place, by address ($id) and by anchor. Nothing outside it is ever read.</summary>
internal sealed class SchemaDocument
{
    private static readonly string[] OneSchema =
        ["not", "if", "then", "else", "items", "additionalItems", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema"];
    private static readonly string[] SchemaLists = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
    private static readonly string[] SchemaMaps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

    private readonly Dictionary<string, SchemaNode> _byPath = [];
    private readonly Dictionary<string, SchemaNode> _byAddress = [];
    private readonly Dictionary<string, int> _dynamicAnchors = [];

    /// <exception cref="SchemaException">No schema, or one of a draft that is not known.</exception>
    public SchemaDocument(JsonElement root, SchemaDraft draft)
    {
        Draft = draft;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("$schema", out JsonElement dialect)) Draft = DraftOf(dialect);
        var start = new Uri("json-schema:///document");
        Root = Index(root, "#", start, "#", known: true);
        _byAddress.TryAdd(start.AbsoluteUri, Root);
    }

    public SchemaDraft Draft { get; }

    public SchemaNode Root { get; }

    /// <summary>The schema under a keyword of another.</summary>
    public SchemaNode Child(SchemaNode parent, params ReadOnlySpan<string> steps)
    {
        string path = parent.Path;
        JsonElement json = parent.Json;
        foreach (string step in steps)
        {
            path += "/" + SchemaNode.Escape(step);
            json = json.ValueKind == JsonValueKind.Array ? json[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)] : json.GetProperty(step);
        }
        return _byPath.TryGetValue(path, out SchemaNode? node) ? node : Index(json, path, parent.Base, parent.Root, known: false);
    }

    /// <summary>What a $ref or $dynamicRef refers to.</summary>
    /// <exception cref="SchemaException">It is not in this document.</exception>
    public SchemaNode Target(SchemaNode from, string keyword)
    {
        string reference = from.Json.GetProperty(keyword) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : throw from.Refused(keyword, "is not a text");
        int hash = reference.IndexOf('#');
        string address = hash < 0 ? reference : reference[..hash], fragment = hash < 0 ? "" : Uri.UnescapeDataString(reference[(hash + 1)..]);
        SchemaNode resource = address.Length == 0 ? _byPath[from.Root] : Resource(from, keyword, address);
        if (fragment.Length == 0) return resource;
        if (fragment[0] == '/') return Pointed(resource, fragment, from, keyword);
        if (keyword == "$dynamicRef" && _dynamicAnchors.GetValueOrDefault(fragment) > 1 && _byAddress.ContainsKey($"{Address(resource)}#dynamic:{fragment}"))
            throw from.Refused(keyword, $"'{reference}' has several targets, and which one depends on how it is reached");
        return _byAddress.TryGetValue($"{Address(resource)}#{fragment}", out SchemaNode? found) ? found : throw Missing(from, keyword, reference);
    }

    private SchemaNode Resource(SchemaNode from, string keyword, string address)
    {
        string? full = Uri.TryCreate(from.Base, address, out Uri? uri) ? uri.AbsoluteUri : null;
        return full is not null && _byAddress.TryGetValue(full, out SchemaNode? found) ? found
            : throw from.Refused(keyword, $"refers to '{address}', which is not in this schema; schemas are not fetched. Put it under $defs");
    }

    private SchemaNode Pointed(SchemaNode resource, string pointer, SchemaNode from, string keyword)
    {
        SchemaNode node = resource;
        foreach (string step in pointer[1..].Split('/').Select(part => part.Replace("~1", "/").Replace("~0", "~")))
        {
            bool there = node.Json.ValueKind switch
            {
                JsonValueKind.Object => node.Json.TryGetProperty(step, out _),
                JsonValueKind.Array => int.TryParse(step, out int index) && index >= 0 && index < node.Json.GetArrayLength(),
                _ => false,
            };
            if (!there) throw Missing(from, keyword, pointer);
            node = Child(node, step);
        }
        return node;
    }

    private static SchemaException Missing(SchemaNode from, string keyword, string reference) => from.Refused(keyword, $"refers to '{reference}', which this schema does not have");

    private static SchemaDraft DraftOf(JsonElement dialect)
    {
        string name = dialect.ValueKind == JsonValueKind.String ? dialect.GetString()!.TrimEnd('#') : "";
        return name switch
        {
            "https://json-schema.org/draft/2020-12/schema" => SchemaDraft.Draft202012,
            "http://json-schema.org/draft-07/schema" or "https://json-schema.org/draft-07/schema" => SchemaDraft.Draft7,
            _ => throw new SchemaException("#", "$schema", $"names '{name}'; drafts 2020-12 and 7 are known"),
        };
    }

    private static string Address(SchemaNode resource) => resource.Base.AbsoluteUri;

    /// <param name="known">It is where a schema must be: only there $id and anchors count.</param>
    private SchemaNode Index(JsonElement json, string path, Uri start, string root, bool known)
    {
        bool plain = json.ValueKind == JsonValueKind.Object && !(Draft == SchemaDraft.Draft7 && json.TryGetProperty("$ref", out _));
        if (known && plain && json.TryGetProperty("$schema", out JsonElement dialect) && path != "#" && DraftOf(dialect) != Draft)
            throw new SchemaException(path, "$schema", "changes the draft inside a schema");
        string? id = known && plain && json.TryGetProperty("$id", out JsonElement own) && own.ValueKind == JsonValueKind.String ? own.GetString()! : null;
        string? anchor = id?.StartsWith('#') == true && Draft == SchemaDraft.Draft7 ? id[1..] : null;
        if (id is not null && anchor is null)
        {
            if (!Uri.TryCreate(start, id.Split('#')[0], out Uri? address)) throw new SchemaException(path, "$id", $"'{id}' is not an address");
            (start, root) = (address, path);
        }
        var node = new SchemaNode(json, path, start, root);
        _byPath[path] = node;
        if (root == path) _byAddress.TryAdd(start.AbsoluteUri, node);
        if (anchor is not null) _byAddress.TryAdd($"{start.AbsoluteUri}#{anchor}", node);
        if (!known || json.ValueKind != JsonValueKind.Object) return node;
        if (Draft == SchemaDraft.Draft202012)
        {
            if (json.TryGetProperty("$anchor", out JsonElement name) && name.ValueKind == JsonValueKind.String) _byAddress.TryAdd($"{start.AbsoluteUri}#{name.GetString()}", node);
            if (json.TryGetProperty("$dynamicAnchor", out JsonElement dynamic) && dynamic.ValueKind == JsonValueKind.String) AddDynamic(node, dynamic.GetString()!);
        }
        foreach (JsonProperty keyword in json.EnumerateObject()) IndexUnder(keyword, node);
        return node;
    }

    private void AddDynamic(SchemaNode node, string name)
    {
        _byAddress.TryAdd($"{node.Base.AbsoluteUri}#{name}", node);
        _byAddress.TryAdd($"{node.Base.AbsoluteUri}#dynamic:{name}", node);
        _dynamicAnchors[name] = _dynamicAnchors.GetValueOrDefault(name) + 1;
    }

    private void IndexUnder(JsonProperty keyword, SchemaNode node)
    {
        string path = $"{node.Path}/{SchemaNode.Escape(keyword.Name)}";
        if (keyword.Value.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False && OneSchema.Contains(keyword.Name)) Index(keyword.Value, path, node.Base, node.Root, known: true);
        else if (keyword.Value.ValueKind == JsonValueKind.Array && SchemaLists.Contains(keyword.Name))
        {
            int i = 0;
            foreach (JsonElement item in keyword.Value.EnumerateArray()) Index(item, $"{path}/{i++}", node.Base, node.Root, known: true);
        }
        else if (keyword.Value.ValueKind == JsonValueKind.Object && SchemaMaps.Contains(keyword.Name))
        {
            foreach (JsonProperty item in keyword.Value.EnumerateObject())
            {
                if (item.Value.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False) Index(item.Value, $"{path}/{SchemaNode.Escape(item.Name)}", node.Base, node.Root, known: true);
            }
        }
    }
}
