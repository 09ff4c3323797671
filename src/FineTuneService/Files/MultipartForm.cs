using System.Text;
using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace FineTuneService.Files;

/// <summary>
/// A multipart body with a file and some small fields, read as it arrives: the file goes straight to the disk, under no name yet, and
/// goes with this object unless somebody keeps it. ASP.NET's own reader of forms has limits of its own, which no option here names.
/// </summary>
/// <param name="coming">The upload's place in its tenant's quota.</param>
/// <param name="limit">Of the file, in bytes.</param>
/// <param name="fileField">The file's own field.</param>
/// <param name="fields">The fields beside the file, each with what may be wrong with its value.</param>
internal sealed class MultipartForm(HttpRequest request, BlobStore blobs, IncomingUpload coming, long limit, IReadOnlyDictionary<string, Func<string, IResult?>> fields, string fileField = "file") : IDisposable
{
    private const int LongestField = 16 * 1024, LongestFilename = 255;

    /// <summary>RFC 2046 allows no longer one.</summary>
    private const int LongestBoundary = 70;

    /// <summary>In which ASCII is ASCII; a value beyond it has to be UTF-8.</summary>
    private static readonly string[] Charsets = ["utf-8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"];

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);
    private readonly Dictionary<string, string> _values = [];

    public static bool Is(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase);

    public ReceivedBlob? File { get; private set; }

    /// <summary>Without the path that some clients send.</summary>
    public string Filename { get; private set; } = "upload";

    /// <summary>A field's value; empty where it was not sent.</summary>
    public string this[string field] => _values.GetValueOrDefault(field, "");

    /// <summary>Reads the body; an answer where it cannot be taken.</summary>
    /// <exception cref="StorageException">The disk does not take the file.</exception>
    public async Task<IResult?> Read(CancellationToken cancel)
    {
        string? boundary = HeaderUtilities.RemoveQuotes(MediaTypeHeaderValue.Parse(request.ContentType).Boundary).Value;
        if (string.IsNullOrEmpty(boundary)) return Malformed("The multipart body names no boundary; let your HTTP client make the Content-Type.");
        if (boundary.Length > LongestBoundary) return Malformed($"The boundary of the multipart body is longer than {LongestBoundary} characters; let your HTTP client make the Content-Type.");
        try
        {
            var reader = new MultipartReader(boundary, request.Body);
            while (await reader.ReadNextSectionAsync(cancel) is { } section)
            {
                if (await Take(section, cancel) is { } refusal) return refusal;
            }
            return null;
        }
        catch (BlobStore.TooLargeException tooLarge)
        {
            return Errors.Make(413, $"{tooLarge.Message} That is the limit of FineTune:MaxUploadBytes: send a smaller one, or ask the operator to raise it.", "file_too_large", "file");
        }
        catch (StorageLimitException full)
        {
            return Errors.Make(413, full.Message, "storage_limit_exceeded", fileField);
        }
        catch (InvalidDataException)
        {
            return Malformed("The multipart body is malformed, or a part of it has more than 16 headers or 16 KB of them; nothing of it was kept.");
        }
        catch (IOException cut) when (cut is not BadHttpRequestException { StatusCode: 408 or 413 })
        {
            return Malformed("The multipart body ended early; nothing of it was kept. Send it again.");
        }
    }

    public void Dispose() => File?.Dispose();

    private async Task<IResult?> Take(MultipartSection section, CancellationToken cancel)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out ContentDispositionHeaderValue? disposition))
            return Malformed("A part of the multipart body has no Content-Disposition that can be read.");
        string name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
        if (name == fileField ? File is not null : _values.ContainsKey(name))
            return Errors.BadRequest($"'{name}' is there twice; an upload has one.", "invalid_multipart", name);
        if (name == fileField) return TakeFilename(disposition) ?? await TakeFile(section, cancel);
        if (fields.TryGetValue(name, out Func<string, IResult?>? check)) return await TakeField(name, section, check, cancel);
        return Errors.BadRequest($"Unknown parameter: '{Errors.Clip(name)}'. An upload has the fields {string.Join("", fields.Keys.Select(field => field + ", "))}{fileField}.", "unknown_parameter", Errors.Clip(name));
    }

    private async Task<IResult?> TakeFile(MultipartSection section, CancellationToken cancel)
    {
        File = await blobs.Receive(section.Body, limit, cancel, coming.Arrive);
        return null;
    }

    private IResult? TakeFilename(ContentDispositionHeaderValue disposition)
    {
        string? given = disposition.FileNameStar.HasValue ? disposition.FileNameStar.Value : HeaderUtilities.RemoveQuotes(disposition.FileName).Value;
        string name = Path.GetFileName((given ?? "").Replace("\\\"", "\"").Replace('\\', '/'));
        if (name.Length == 0) return null;
        if (name.Length > LongestFilename) return Errors.BadRequest($"The file's name is {name.Length} characters long; at most {LongestFilename} are taken.", param: "file");
        if (name.Any(char.IsControl) || name.Contains('\uFFFD'))
            return Errors.BadRequest("The file's name holds control characters, or is not UTF-8; give it a plain name.", param: "file");
        Filename = name;
        return null;
    }

    private async Task<IResult?> TakeField(string name, MultipartSection section, Func<string, IResult?> check, CancellationToken cancel)
    {
        if (MediaTypeHeaderValue.TryParse(section.ContentType, out MediaTypeHeaderValue? type) && HeaderUtilities.RemoveQuotes(type.Charset).Value is { Length: > 0 } charset
            && !Charsets.Contains(charset, StringComparer.OrdinalIgnoreCase))
            return Errors.BadRequest($"'{name}' is in the charset {Errors.Clip(charset)}; send it in UTF-8.", param: name);
        var bytes = new byte[LongestField + 1];
        int length = await section.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
        if (length > LongestField) return Errors.BadRequest($"'{name}' is longer than {LongestField} bytes.", param: name);
        try
        {
            return check(_values[name] = Utf8.GetString(bytes, 0, length));
        }
        catch (DecoderFallbackException)
        {
            return Errors.BadRequest($"'{name}' is not UTF-8.", param: name);
        }
    }

    private static IResult Malformed(string message) => Errors.BadRequest(message, "invalid_multipart");
}
