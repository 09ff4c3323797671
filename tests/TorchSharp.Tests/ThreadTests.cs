using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

public sealed partial class ThreadTests
{
    [Fact]
    public void NumThreads_AtTheStart_IsTheCores() => Assert.Equal(Environment.ProcessorCount, get_num_threads());

    [Fact]
    public void SetNumThreads_ChangesIt()
    {
        var before = get_num_threads();
        set_num_threads(1);
        Assert.Equal(1, get_num_threads());
        set_num_threads(before);
    }

    [Fact]
    public void OpenMp_BeforeLibtorchIsLoaded_IsToldHowToWait()
    {
        _ = get_num_threads();
        Assert.NotEqual(0, getenv("OMP_WAIT_POLICY"));
        Assert.NotEqual(0, getenv("GOMP_SPINCOUNT"));
    }

    [Fact]
    public void Version_IsLibtorchs() => Assert.Matches(@"^\d+\.\d+", __version__);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getenv(string name);
}
