using System.Globalization;
using System.Text.Unicode;

namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Joins runs of &lt;0xNN&gt; tokens into characters; a run that is not UTF-8 gives one U+FFFD for each of its tokens.</summary>
internal sealed class ByteFallbackDecoder : Decoder
{
    public override List<string> Decode(List<string> tokens)
    {
        var output = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (var token in tokens)
        {
            if (TryByte(token, out var value))
            {
                run.Add(value);
                continue;
            }

            Flush();
            output.Add(token);
        }

        Flush();
        return output;

        void Flush()
        {
            if (run.Count == 0) return;
            byte[] bytes = [.. run];
            if (Utf8.IsValid(bytes)) output.Add(System.Text.Encoding.UTF8.GetString(bytes));
            else output.AddRange(Enumerable.Repeat("\uFFFD", run.Count));
            run.Clear();
        }
    }

    /// <summary>The byte that a token of the form &lt;0xNN&gt; stands for.</summary>
    public static bool TryByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
