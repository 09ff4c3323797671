using System.Text;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Completions;

/// <summary>Tokens' probabilities as OpenAI writes them.</summary>
/// <param name="bytesOf">A token's text in UTF-8; nothing for a special token.</param>
internal sealed class Logprobs(Func<int, byte[]> bytesOf)
{
    /// <summary>What stands for a probability of 0, whose logarithm JSON cannot write.</summary>
    private const double Never = -9999;

    public ChatLogprobs Chat(IEnumerable<GeneratedToken> tokens) => new([.. tokens.Where(token => !token.IsEnd).Select(token => new ChatTokenLogprob(
        Text(token.Id), Finite(token.LogProbability ?? 0), Bytes(token.Id), [.. (token.Top ?? []).Select(top => new TopLogprob(Text(top.Id), Finite(top.LogProbability), Bytes(top.Id)))]))]);

    /// <param name="offset">Where the first of them begins.</param>
    public TextLogprobs Completion(IEnumerable<GeneratedToken> tokens, int offset)
    {
        GeneratedToken[] all = [.. tokens.Where(token => !token.IsEnd)];
        var offsets = new List<int>();
        foreach (GeneratedToken token in all)
        {
            offsets.Add(offset);
            offset += Text(token.Id).Length;
        }
        return new TextLogprobs(
            [.. all.Select(token => Text(token.Id))], [.. all.Select(token => token.LogProbability is { } known ? Finite(known) : (double?)null)], [.. all.Select(Top)], offsets);
    }

    public int Length(GeneratedToken token) => token.IsEnd ? 0 : Text(token.Id).Length;

    private Dictionary<string, double>? Top(GeneratedToken token)
    {
        if (token.LogProbability is null) return null;
        var top = new Dictionary<string, double>();
        // Tokens of one text: the likeliest is named.
        foreach (TokenProbability other in token.Top ?? []) top.TryAdd(Text(other.Id), Finite(other.LogProbability));
        return top;
    }

    private string Text(int id) => Encoding.UTF8.GetString(bytesOf(id));

    private int[] Bytes(int id) => [.. bytesOf(id).Select(value => (int)value)];

    private static double Finite(float value) => float.IsFinite(value) ? Math.Round((double)value, 8) : Never;
}
