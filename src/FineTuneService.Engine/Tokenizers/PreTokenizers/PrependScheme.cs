using System.Text.Json;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Which pieces Metaspace begins with its character.</summary>
internal enum PrependScheme
{
    Always,

    /// <summary>Only the one at the text's start.</summary>
    First,

    Never,
}

internal static class PrependSchemes
{
    /// <summary>Reads prepend_scheme, or the older add_prefix_space.</summary>
    public static PrependScheme Read(JsonElement json) => json.Text("prepend_scheme") switch
    {
        "first" => PrependScheme.First,
        "never" => PrependScheme.Never,
        "always" => PrependScheme.Always,
        null => json.Flag("add_prefix_space", absent: true) ? PrependScheme.Always : PrependScheme.Never,
        var name => throw TokenizerException.Unsupported("prepend_scheme", name),
    };
}
