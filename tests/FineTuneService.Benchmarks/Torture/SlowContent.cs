using System.Net;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>A file that is sent in pieces, so that an upload has a middle.</summary>
internal sealed class SlowContent(byte[] bytes) : HttpContent
{
    private const int Pieces = 40;

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        for (int i = 0; i < Pieces; i++)
        {
            int from = (int)((long)bytes.Length * i / Pieces), to = (int)((long)bytes.Length * (i + 1) / Pieces);
            await stream.WriteAsync(bytes.AsMemory(from, to - from));
            await stream.FlushAsync();
            await Task.Delay(1);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = bytes.Length;
        return true;
    }
}
