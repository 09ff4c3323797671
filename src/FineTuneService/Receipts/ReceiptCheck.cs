using System.Security.Cryptography;
using System.Text.Json;
using FineTuneService.Hosting;

namespace FineTuneService.Receipts;

/// <summary>Checks a folder against its receipt, by itself: no service, no database.</summary>
internal static class ReceiptCheck
{
    /// <summary>Large enough for any job's settings.</summary>
    private const long LongestReceipt = 1 << 20;

    /// <summary>The receipt of a folder, and what does not fit it: one sentence each.</summary>
    public static (Receipt? Receipt, IReadOnlyList<string> Faults) Folder(string folder)
    {
        string path = Path.Combine(folder, Receipt.FileName);
        if (!File.Exists(path)) return (null, [$"{Receipt.FileName} is missing"]);
        if (new FileInfo(path).Length > LongestReceipt) return (null, [$"{Receipt.FileName} is longer than any receipt"]);
        Receipt? receipt;
        try
        {
            receipt = JsonSerializer.Deserialize<Receipt>(File.ReadAllText(path), Json.Options);
        }
        catch (JsonException malformed)
        {
            return (null, [$"{Receipt.FileName} is not a receipt: {malformed.Message}"]);
        }
        if (receipt is not { Object: Receipt.Kind, Version: 1 }) return (null, [$"{Receipt.FileName} is not a receipt that this version reads"]);
        return (receipt, [.. Signature(receipt), .. Files(folder, receipt)]);
    }

    /// <summary>Where the key that signed is known, whether it is that one.</summary>
    /// <param name="publicKeyPem">The service's receipt-key.pub.pem.</param>
    public static string? Key(Receipt receipt, string publicKeyPem)
    {
        using ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(publicKeyPem);
        }
        catch (Exception malformed) when (malformed is ArgumentException or CryptographicException)
        {
            return "the public key is not one in PEM";
        }
        return Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()) == receipt.Signature?.PublicKey ? null : "it was signed with another key";
    }

    private static IEnumerable<string> Signature(Receipt receipt)
    {
        if (receipt.Signature is not { } signature || !signature.IsKnown) return ["it is not signed in a way that is known"];
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(signature.PublicKey), out _);
            bool signed = key.VerifyData(ReceiptBytes.Of(receipt), Convert.FromBase64String(signature.Value), HashAlgorithmName.SHA256);
            return signed ? [] : ["its signature does not fit: the receipt was changed after it was signed"];
        }
        catch (Exception malformed) when (malformed is FormatException or CryptographicException)
        {
            return ["its signature cannot be read"];
        }
    }

    private static IEnumerable<string> Files(string folder, Receipt receipt)
    {
        foreach ((string name, string sha256) in receipt.Adapter.Files)
        {
            string path = Path.Combine(folder, Path.GetFileName(name));
            if (!File.Exists(path)) yield return $"{name} is missing";
            else if (ReceiptBytes.OfFile(path) != sha256) yield return $"{name} is not the file that the receipt names: its bytes were changed";
        }
    }
}
