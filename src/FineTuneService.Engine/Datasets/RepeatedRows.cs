using System.Security.Cryptography;
using System.Text;

namespace FineTuneService.Engine.Datasets;

/// <summary>Finds rows that say the same again, and prompts that get two answers. Keeps a hash a row, not the row.</summary>
internal sealed class RepeatedRows(WarningList warnings)
{
    private readonly Dictionary<UInt128, UInt128> _answers = [];

    public void Check(DatasetRow row)
    {
        var (prompt, answer) = row switch
        {
            ChatRow chat => (
                Hash(chat.Messages.SkipLast(1).SelectMany(message => new[] { message.Role, message.Content })),
                Hash([chat.Messages[^1].Content])),
            CompletionRow completion => (Hash([completion.Prompt]), Hash([completion.Completion])),
            AlpacaRow alpaca => (Hash([alpaca.Instruction, alpaca.Input]), Hash([alpaca.Output])),
            _ => throw new InvalidOperationException($"No hash for {row.GetType().Name}."),
        };
        if (_answers.TryAdd(prompt, answer)) return;
        var repeats = _answers[prompt] == answer;
        warnings.Add(row.Line, repeats ? "rows repeat earlier ones." : "a prompt came before with another answer.");
    }

    private static UInt128 Hash(IEnumerable<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in texts)
        {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.AppendData(BitConverter.GetBytes(text.Length));
            hash.AppendData(Encoding.UTF8.GetBytes(text));
        }
        return BitConverter.ToUInt128(hash.GetHashAndReset());
    }
}
