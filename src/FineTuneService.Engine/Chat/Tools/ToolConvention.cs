using System.Text.Json;

namespace FineTuneService.Engine.Chat.Tools;

/// <summary>How a model writes that a function is to be called, as its chat template teaches it.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Opening">Before a call.</param>
/// <param name="Closing">Behind a call; empty where the call's JSON is all there is.</param>
/// <param name="ArgumentsKey">Of the object that names the function.</param>
/// <param name="IsList">Calls stand in one JSON array.</param>
public sealed record ToolConvention(string Name, string Opening, string Closing, string ArgumentsKey, bool IsList = false)
{
    /// <summary>Hermes' and Qwen's, and what is asked of a model whose template knows no tools.</summary>
    public static ToolConvention Tagged { get; } = new("tagged", "<tool_call>\n", "\n</tool_call>", "arguments");

    /// <summary>Llama 3's: the answer is the call.</summary>
    public static ToolConvention Llama3 { get; } = new("llama3", "", "", "parameters");

    /// <summary>Mistral's. [TOOL_CALLS] is a token that decoding passes over.</summary>
    public static ToolConvention Mistral { get; } = new("mistral", "[TOOL_CALLS] [", "]", "arguments", IsList: true);

    /// <param name="template">A chat template's source; null where there is none.</param>
    public static ToolConvention Of(string? template)
    {
        if (template is null || template.Contains("<tool_call>", StringComparison.Ordinal)) return Tagged;
        if (template.Contains("[TOOL_CALLS]", StringComparison.Ordinal)) return Mistral;
        return template.Contains("\"parameters\":", StringComparison.Ordinal) || template.Contains("<|python_tag|>", StringComparison.Ordinal) ? Llama3 : Tagged;
    }

    /// <summary>Whether a template has a place for tools of its own.</summary>
    public static bool TemplateKnowsTools(string template) => template.Contains("tools", StringComparison.Ordinal);

    /// <summary>What stands before a call's arguments.</summary>
    public string Begin(string function) => $"{Opening}{{\"name\": {JsonSerializer.Serialize(function, Plain)}, \"{ArgumentsKey}\": ";

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
