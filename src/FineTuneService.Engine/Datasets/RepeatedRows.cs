using System.Security.Cryptography;
using System.Text;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Finds rows that say the same again, and prompts that get two answers. Keeps two hashes a row, of so many rows at the most that a file
/// of any length needs the same memory.
/// </summary>
internal sealed class RepeatedRows(WarningList warnings)
{
    /// <summary>Prompts that are remembered: some 60 MB. Later rows are still compared with these.</summary>
    private const int Most = 1 << 20;

    private readonly Dictionary<UInt128, UInt128> _answers = [];

    public void Check(DatasetRow row)
    {
        if (row is PreferenceRow pair)
        {
            var ((prompt, chosen), (_, rejected)) = (Parts(pair.Chosen), Parts(pair.Rejected));
            Compare(row.Line, prompt, chosen ^ (rejected << 1), chosenAndRejectedSwapped: rejected ^ (chosen << 1));
        }
        else
        {
            var (prompt, answer) = Parts(row);
            Compare(row.Line, prompt, answer, null);
        }
    }

    private void Compare(int line, UInt128 prompt, UInt128 answer, UInt128? chosenAndRejectedSwapped)
    {
        if (!_answers.TryGetValue(prompt, out var known))
        {
            if (_answers.Count < Most) _answers.Add(prompt, answer);
        }
        else if (known == answer) warnings.Add(line, "rows repeat earlier ones.");
        else warnings.Add(line, known == chosenAndRejectedSwapped ? "chosen and rejected are an earlier row's, swapped." : "a prompt came before with another answer.");
    }

    private static (UInt128 Prompt, UInt128 Answer) Parts(DatasetRow row) => row switch
    {
        ChatRow chat => (
            Hash(chat.Messages.SkipLast(1).SelectMany(message => new[] { message.Role, message.Content, message.Extra?.ToJsonString() ?? "" })),
            Hash([chat.Messages[^1].Content, chat.Messages[^1].Extra?.ToJsonString() ?? ""])),
        CompletionRow completion => (Hash([completion.Prompt]), Hash([completion.Completion])),
        AlpacaRow alpaca => (Hash([alpaca.Instruction, alpaca.Input]), Hash([alpaca.Output])),
        TextRow text => (Hash([text.Text]), 0),
        // A wanted and an unwanted answer to one prompt are what such files are for.
        LabelledRow labelled when Parts(labelled.Row) is var (prompt, answer) => (prompt ^ (answer << 1), labelled.IsWanted ? (UInt128)1 : 0),
        _ => throw new InvalidOperationException($"No hash for {row.GetType().Name}."),
    };

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
