using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Hosting;

namespace FineTuneService.Receipts;

/// <summary>What is signed, and what is hashed.</summary>
internal static class ReceiptBytes
{
    /// <summary>The receipt's JSON without its signature, its fields in the order of their names at every depth, so that no reader's order matters.</summary>
    public static byte[] Of(Receipt receipt) => Encoding.UTF8.GetBytes(Sorted(JsonSerializer.SerializeToNode(receipt with { Signature = null }, Json.Options))!.ToJsonString(Json.Options));

    public static string OfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>SHA-256 of each file that lies in the folder itself, by name, but for the receipt.</summary>
    public static SortedDictionary<string, string> OfFolder(string folder)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            if (Path.GetFileName(path) is var name && name != Receipt.FileName && name[0] != '.') files[name] = OfFile(path);
        }
        return files;
    }

    /// <summary>One SHA-256 for a model: a folder's files, or a GGUF file's bytes.</summary>
    public static string OfModel(string path) => File.Exists(path)
        ? OfFile(path) : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(OfFolder(path).Select(file => $"{file.Value}  {file.Key}\n")))));

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, Sorted(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
