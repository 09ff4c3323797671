namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>A JSON schema that output cannot be held to: which keyword, where, and why.</summary>
/// <param name="path">A JSON pointer to the schema that has the keyword, such as #/properties/name.</param>
public sealed class SchemaException(string path, string keyword, string reason) : Exception($"{path}: '{keyword}' {reason}")
{
    public string Path => path;

    public string Keyword => keyword;
}
