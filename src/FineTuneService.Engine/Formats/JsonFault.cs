using System.Text.Json;

namespace FineTuneService.Engine.Formats;

/// <summary>What is wrong with a text that is not JSON, in a sentence for whoever wrote it: .NET's own advises on its reader's options.</summary>
public static class JsonFault
{
    /// <summary>The sentence, without the place.</summary>
    public static string Sentence(JsonException error) => error.Message.Split(" LineNumber:")[0].Split(" Path:")[0] switch
    {
        var comma when comma.Contains("trailing comma", StringComparison.Ordinal) => "a comma stands before a closing bracket.",
        var empty when empty.Contains("does not contain any JSON tokens", StringComparison.Ordinal) => "there is nothing in it.",
        var deep when deep.Contains("maximum configured depth of", StringComparison.Ordinal) => $"it is nested deeper than {deep.Split("depth of ")[1].Split(' ')[0]} levels.",
        var open when open.Contains("Expected depth to be zero", StringComparison.Ordinal) => "it ends inside an object or array that is not closed.",
        var other => other,
    };

    /// <summary>Where it is: line and byte, both counted from 1.</summary>
    public static string Place(JsonException error) => $"line {(error.LineNumber ?? 0) + 1}, byte {(error.BytePositionInLine ?? 0) + 1}";
}
