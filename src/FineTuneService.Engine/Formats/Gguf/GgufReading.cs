using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>A GGUF file on its way to a config.json: what a family's layout asks, and where it writes what transformers would say of it.</summary>
/// <param name="tensors">By GGUF's names.</param>
/// <param name="json">config.json, with what all families have.</param>
internal sealed class GgufReading(GgufMetadata metadata, ITensorSource tensors, JsonObject json)
{
    private const int MostWhole = 1 << 28;

    public required int Hidden { get; init; }
    public required int Layers { get; init; }
    public required HeadCounts Heads { get; init; }
    public required int HeadDim { get; init; }

    public JsonNode? this[string key] { set => json[key] = value; }

    public bool Has(string tensor) => tensors.Find(tensor) is not null;

    /// <summary>One of the architecture's own keys, such as attention.sliding_window.</summary>
    public int? Whole(string key, int least = 0) => metadata.Whole(metadata.Own(key), least, MostWhole);

    public double? Number(string key) => metadata.Number(metadata.Own(key));

    public bool? Flag(string key) => metadata.Flag(metadata.Own(key));

    /// <summary>A window of keys, where the file has one.</summary>
    public int? Window => Whole("attention.sliding_window") is > 0 and var window ? window : null;

    /// <summary>Of a head's dimensions those that are turned, as a share that comes to them exactly.</summary>
    public double RotaryShare
    {
        get
        {
            int turned = Whole("rope.dimension_count", 1) ?? HeadDim;
            double share = (double)turned / HeadDim;
            return (int)(HeadDim * share) < turned ? Math.BitIncrement(share) : share;
        }
    }

    /// <exception cref="GgufException">The key is missing or 0.</exception>
    public int Required(string key) => Whole(key) is > 0 and var number ? number : throw metadata.Refuse($"{metadata.Own(key)} is missing");

    public GgufException Refuse(string why) => metadata.Refuse(why);

    public void Remove(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys) json.Remove(key);
    }

    /// <summary>Gives a value the name that the family's published configs have for it.</summary>
    public void Rename(string key, string published)
    {
        JsonNode? value = json[key];
        json.Remove(key);
        json[published] = value;
    }
}
