using FineTuneService.Device;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tests.Device;

public sealed class ResidentModelsTests : IDisposable
{
    private static readonly string Base = Path.Combine(AppContext.BaseDirectory, "BaseModel", TestService.BaseModel);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly DataFolder _folder = new();
    private readonly List<IDisposable> _open = [];

    [Fact]
    public async Task TryUse_MoreAdaptersThanPlaces_KeepsWhatIsInUseAndLetsTheOldestOthersGo()
    {
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { MaxResidentAdapters = 2 });
        await lease.Serve("test", () =>
        {
            ModelUse first = Use(resident, Adapter(1));
            Use(resident, Adapter(2)).Dispose();
            Use(resident, Adapter(3)).Dispose();
            Assert.Equal(2, resident.Adapters);
            using ModelUse third = Use(resident, Adapter(3));
            (ModelUse? none, NoRoom? why) = resident.TryUse(Adapter(4), "test");
            Assert.Null(none);
            Assert.Equal(NoRoomKind.Adapters, why!.Kind);
            Assert.True(first.Adapter!.Adapter.Bytes > 0);
            first.Dispose();
            Use(resident, Adapter(4)).Dispose();
            return true;
        });
        Assert.Empty(await resident.UsersOf("4"));
    }

    [Fact]
    public async Task Pin_AdapterThatNobodyUses_StaysUntilItIsLetGo()
    {
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { MaxResidentAdapters = 2 });
        await lease.Serve("test", () =>
        {
            resident.Pin("1", stays: true); // Before it is loaded, as at a start.
            foreach (int seed in new[] { 1, 2, 3, 4 }) Use(resident, Adapter(seed)).Dispose();
            Assert.Equal((true, false, false, true), (resident.IsLoaded("1"), resident.IsLoaded("2"), resident.IsLoaded("3"), resident.IsLoaded("4")));
            resident.Pin("4", stays: true);
            Assert.Equal(NoRoomKind.Adapters, resident.TryUse(Adapter(5), "test").Item2!.Kind);
            resident.Pin("1", stays: false);
            Use(resident, Adapter(5)).Dispose();
            Assert.False(resident.IsLoaded("1"));
            resident.Forget("4"); // Deleted: it is no longer pinned either.
            return true;
        });
        (string device, IReadOnlyList<MemoryHolder> holders) = await resident.Holders();
        Assert.Equal("cpu", device);
        Assert.DoesNotContain(holders, holder => holder.Users.Contains("pinned"));
        Assert.Equal(["5"], holders.Where(holder => holder.Kind == "adapter").Select(holder => holder.Owner));
    }

    [Fact]
    public async Task Pin_MemoryForOneModel_IsNoRoomForTheOther()
    {
        ModelText text = ModelText.Load(Base);
        long one = Bytes(text, BasePrecision.Fp32);
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { DeviceMemory = one + 100_000 });
        await lease.Serve("test", () =>
        {
            long room = resident.ForJobs;
            Use(resident, Adapter(1)).Dispose();
            Assert.Equal(room, resident.ForJobs);
            resident.Pin("1", stays: true);
            Assert.InRange(resident.ForJobs, 1, room - 1);
            return true;
        });
    }

    [Fact]
    public async Task Pin_AdapterThatNobodyUses_KeepsItsBaseToo()
    {
        ModelText text = ModelText.Load(Base);
        long one = Bytes(text, BasePrecision.Fp32);
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { DeviceMemory = one + 200_000 });
        var other = new AskedModel(text, BasePrecision.Bf16);
        await lease.Serve("test", () =>
        {
            resident.Pin("1", stays: true); // Before it is loaded, as at a start.
            Use(resident, Adapter(1)).Dispose();
            Assert.Equal(NoRoomKind.Never, resident.TryUse(other, "test").Item2!.Kind);
            Assert.Equal((true, 1), (resident.IsLoaded("1"), resident.Models));
            return true;
        });
        Assert.All((await resident.Holders()).Holders, holder => Assert.Contains("pinned", holder.Users));
        await lease.Serve("test", () =>
        {
            resident.Pin("1", stays: false);
            using ModelUse use = Use(resident, other);
            Assert.Equal(1, resident.Models);
            Assert.False(resident.PinsTooMuch);
            return true;
        });
    }

    [Fact]
    public async Task Pins_OnSeveralBases_MayTakeHalfOfTheMemory()
    {
        ModelText text = ModelText.Load(Base);
        long both = Bytes(text, BasePrecision.Fp32) + Bytes(text, BasePrecision.Bf16);
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { DeviceMemory = both * 3 / 2 });
        await lease.Serve("test", () =>
        {
            Use(resident, Adapter(1)).Dispose();
            Use(resident, Adapter(2) with { Precision = BasePrecision.Bf16 }).Dispose();
            resident.Pin("1", stays: true);
            Assert.False(resident.PinsTooMuch);
            resident.Pin("2", stays: true);
            Assert.True(resident.PinsTooMuch);
            return true;
        });
    }

    [Fact]
    public async Task Generator_BuffersOfForwards_CountAndGoWhereOthersNeedTheMemory()
    {
        ModelText text = ModelText.Load(Base);
        long one = Bytes(text, BasePrecision.Fp32);
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { DeviceMemory = one + 150_000 });
        await lease.Serve("test", () =>
        {
            ModelUse use = Use(resident, new AskedModel(text, BasePrecision.Fp32));
            Generator generator = use.Model.Generator;
            Assert.Equal(one, resident.Bytes);
            var finish = (FinishReason?)null;
            generator.Add(new GenerationRequest { Prompt = [.. Enumerable.Range(10, 60)], Parameters = new SamplingParameters { MaxTokens = 3 }, OnToken = _ => { }, OnFinished = reason => finish = reason });
            // Never refused, though the memory has no room for them.
            while (finish is null) generator.Step();
            Assert.Equal(FinishReason.Length, finish);
            Assert.True(generator.BufferBytes > 150_000);
            Assert.Equal(one + generator.BufferBytes, resident.Bytes);
            using ModelUse adapter = Use(resident, Adapter(1));
            Assert.Equal(0, generator.BufferBytes);
            use.Dispose();
            return true;
        });
    }

    [Fact]
    public async Task TryUse_MemoryForOneModel_LetsTheUnusedGoAndRefusesWhatNeverFits()
    {
        ModelText text = ModelText.Load(Base);
        long one = Bytes(text, BasePrecision.Fp32);
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions { DeviceMemory = one + 1024 });
        await lease.Serve("test", () =>
        {
            ModelUse fp32 = Use(resident, new AskedModel(text, BasePrecision.Fp32));
            Assert.Equal(NoRoomKind.Memory, resident.TryUse(new AskedModel(text, BasePrecision.Bf16), "test").Item2!.Kind);
            Assert.Equal(one, resident.Bytes);
            fp32.Dispose();
            using ModelUse bf16 = Use(resident, new AskedModel(text, BasePrecision.Bf16));
            Assert.Equal(1, resident.Models);
            Assert.True(resident.Bytes < one);
            return true;
        });
        (lease, resident, _) = Open(new FineTuneOptions { DeviceMemory = one / 2 });
        NoRoom never = await lease.Serve("test", () => resident.TryUse(new AskedModel(text, BasePrecision.Fp32), "test").Item2!);
        Assert.Equal(NoRoomKind.Never, never.Kind);
        Assert.Contains("FineTune:DeviceMemory", never.Message);
    }

    [Fact]
    public async Task Forget_InUse_KeepsItUntilTheLastUseEnds()
    {
        (DeviceLease lease, ResidentModels resident, _) = Open(new FineTuneOptions());
        ModelUse use = await lease.Serve("test", () => Use(resident, Adapter(1), "an answer"));
        Assert.Equal(["an answer"], await resident.UsersOf("1"));
        Assert.Equal(["an answer"], await resident.UsersOf(Base));
        await lease.Serve("forget", () =>
        {
            resident.Forget("1");
            resident.Forget(Base);
            return true;
        });
        Assert.Empty(await resident.UsersOf("1"));
        await lease.Serve("test", () =>
        {
            Assert.True(use.Model.Base.Bytes > 0 && use.Adapter!.Adapter.Bytes > 0);
            Assert.True(resident.Bytes > 0);
            use.Dispose();
            return true;
        });
        await lease.Serve("after what was let go", () => true);
        Assert.Equal(0, await lease.Serve("test", () => resident.Bytes));
    }

    [Fact]
    public async Task Run_MoreThanThereIsRoomFor_AllGetTheirTurn()
    {
        (DeviceLease lease, _, ModelAccess access) = Open(new FineTuneOptions { MaxResidentAdapters = 1 });
        int holding = 0;
        async Task Hold(int adapter)
        {
            (ModelUse? use, NoRoom? none) = await access.Run(Adapter(adapter), "test", $"t{adapter % 3}", use =>
            {
                Assert.Equal(1, ++holding);
                return use;
            }, TestContext.Current.CancellationToken);
            Assert.Null(none);
            await Task.Delay(20, TestContext.Current.CancellationToken);
            await lease.Serve("end", () =>
            {
                holding--;
                use!.Dispose();
                return true;
            });
        }
        await Task.WhenAll(Enumerable.Range(0, 12).Select(Hold)).WaitAsync(Soon, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task UseForJob_MemoryThatAnswersHold_IsItsOnceTheyEnd()
    {
        ModelText text = ModelText.Load(Base);
        long one = Bytes(text, BasePrecision.Fp32);
        (DeviceLease lease, ResidentModels resident, ModelAccess access) = Open(new FineTuneOptions { DeviceMemory = one + 1024 });
        ModelUse answer = await lease.Serve("test", () => Use(resident, new AskedModel(text, BasePrecision.Fp32)));
        Assert.Null(await lease.Train("job", () => resident.UseForJob(Base, BasePrecision.Bf16, "job 1", () => true)));
        Task<ModelUse?> job = lease.Train("job", () => resident.UseForJob(Base, BasePrecision.Bf16, "job 2", () => false));
        await lease.Serve("end", () =>
        {
            Assert.False(job.IsCompleted);
            answer.Dispose();
            return true;
        });
        ModelUse? held = await job.WaitAsync(Soon, TestContext.Current.CancellationToken);
        Assert.Equal(["job 2"], await resident.UsersOf(Base));
        // What a job holds does not come back soon: nobody waits for it.
        (_, NoRoom? none) = await access.Run(new AskedModel(text, BasePrecision.Fp32), "test", "t", use => use, TestContext.Current.CancellationToken).WaitAsync(Soon, TestContext.Current.CancellationToken);
        Assert.Equal(NoRoomKind.Never, none!.Kind);
        await lease.Serve("end", () =>
        {
            held!.Dispose();
            return true;
        });
    }

    [Fact]
    public async Task Run_AdapterOfAnUnusedModelWhileAllPlacesAreInUse_WaitsQuietly()
    {
        (DeviceLease lease, ResidentModels resident, ModelAccess access) = Open(new FineTuneOptions { MaxResidentAdapters = 1 });
        ModelUse held = await lease.Serve("test", () => Use(resident, Adapter(1)));
        AskedModel other = Adapter(2) with { Precision = BasePrecision.Bf16 };
        Task<(ModelUse?, NoRoom?)> waiting = access.Run(other, "test", "t", use => use, TestContext.Current.CancellationToken);
        await lease.Serve("after it has tried", () => true);
        int tries = 0;
        await lease.Serve("count", () =>
        {
            Action? retry = resident.RoomCame;
            resident.RoomCame = () =>
            {
                tries++;
                retry?.Invoke();
            };
            return true;
        });
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal(0, tries);
        await lease.Serve("end", () =>
        {
            held.Dispose();
            return true;
        });
        Assert.NotNull((await waiting.WaitAsync(Soon, TestContext.Current.CancellationToken)).Item1);
        Assert.Equal(1, tries);
    }

    [Fact]
    public async Task Run_CancelledWhileItWaits_LeavesAndNothingStaysHeld()
    {
        (DeviceLease lease, ResidentModels resident, ModelAccess access) = Open(new FineTuneOptions { MaxResidentAdapters = 1 });
        ModelUse first = await lease.Serve("test", () => Use(resident, Adapter(1)));
        using var cancel = new CancellationTokenSource();
        Task<(ModelUse?, NoRoom?)> waiting = access.Run(Adapter(2), "test", "t", use => use, cancel.Token);
        await lease.Serve("after it has tried", () => true);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Soon, TestContext.Current.CancellationToken));
        await lease.Serve("end", () =>
        {
            first.Dispose();
            return true;
        });
        (ModelUse? third, _) = await access.Run(Adapter(3), "test", "t", use => use, TestContext.Current.CancellationToken).WaitAsync(Soon, TestContext.Current.CancellationToken);
        Assert.NotNull(third);
        Assert.Empty(await resident.UsersOf("2"));
    }

    [Fact]
    public async Task Run_DamagedAdapter_ThrowsWhatIsWrongAndHoldsNothing()
    {
        (DeviceLease lease, ResidentModels resident, ModelAccess access) = Open(new FineTuneOptions());
        AskedModel asked = Adapter(1);
        File.WriteAllText(Path.Combine(asked.AdapterFolder!, "adapter_config.json"), "{}");
        await Assert.ThrowsAsync<Engine.Lora.AdapterException>(() => access.Run(asked, "test", "t", use => use, TestContext.Current.CancellationToken));
        Assert.Empty(await resident.UsersOf(Base));
        Assert.Equal(0, await lease.Serve("test", () => resident.Adapters));
    }

    public void Dispose()
    {
        foreach (IDisposable open in Enumerable.Reverse(_open)) open.Dispose();
        _folder.Dispose();
    }

    private AskedModel Adapter(int seed)
    {
        string folder = Path.Combine(_folder.Path, $"{seed}");
        if (!Directory.Exists(folder)) MadeAdapter.Write(folder, seed);
        return new AskedModel(ModelText.Load(Base), BasePrecision.Fp32, $"{seed}", folder);
    }

    /// <summary>What a base takes with the room of one answer.</summary>
    private static long Bytes(ModelText text, BasePrecision precision) => precision.BytesOf(text.Config) + Generator.CacheBytes(text.Config, precision, ResidentModels.Capacity(text.Config));

    private static ModelUse Use(ResidentModels resident, AskedModel asked, string user = "test")
    {
        (ModelUse? use, NoRoom? none) = resident.TryUse(asked, user);
        Assert.True(use is not null, none?.Message);
        return use;
    }

    private (DeviceLease, ResidentModels, ModelAccess) Open(FineTuneOptions options)
    {
        IOptions<FineTuneOptions> given = Options.Create(options);
        var lease = new DeviceLease(given, TimeProvider.System);
        var resident = new ResidentModels(lease, new ModelTexts(given), given, NullLogger<ResidentModels>.Instance);
        _open.AddRange([lease, resident]);
        return (lease, resident, new ModelAccess(lease, resident, TimeProvider.System));
    }
}
