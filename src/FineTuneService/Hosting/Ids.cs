using System.Security.Cryptography;

namespace FineTuneService.Hosting;

/// <summary>Ids that cannot be guessed.</summary>
public static class Ids
{
    private const string Letters = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// <summary>prefix-xxxxxxxxxxxxxxxxxxxxxxxx: 24 random letters and digits.</summary>
    public static string New(string prefix) => $"{prefix}{(prefix == "req" ? '_' : '-')}{RandomNumberGenerator.GetString(Letters, 24)}";
}
