using System.Security.Cryptography;

namespace FineTuneService.Hosting;

/// <summary>Ids that cannot be guessed.</summary>
public static class Ids
{
    private const string Letters = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// <summary>What a customer may add to a model's name: up to 64 letters, digits, dots, dashes and underscores.</summary>
    public static bool IsSuffix(string text) => text.Length is > 0 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    public const string SuffixRule = "suffix must be 1 to 64 letters, digits, dots, dashes or underscores";

    /// <summary>prefix-xxxxxxxxxxxxxxxxxxxxxxxx: 24 random letters and digits. OpenAI writes req_ and eval_.</summary>
    public static string New(string prefix) => $"{prefix}{(prefix is "req" or "eval" or "batch_req" ? '_' : '-')}{RandomNumberGenerator.GetString(Letters, 24)}";
}
