using System.Security.Cryptography;
using System.Text;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Hosting;

namespace FineTuneService.Receipts;

/// <summary>The service's own key, made on first use and kept in the data directory, readable by its user alone; the public half lies beside it.</summary>
internal sealed class ReceiptKey : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _path, _publicPath;
    private ECDsa? _key;

    /// <exception cref="StartException">The kept key is not one.</exception>
    public ReceiptKey(DataDirectory directory)
    {
        (_path, _publicPath) = (Path.Combine(directory.Root, "receipt-key.pem"), Path.Combine(directory.Root, "receipt-key.pub.pem"));
        if (!File.Exists(_path)) return;
        _key = ECDsa.Create();
        try
        {
            _key.ImportFromPem(File.ReadAllText(_path));
        }
        catch (Exception damaged) when (damaged is ArgumentException or CryptographicException)
        {
            throw new StartException($"{_path} is damaged; restore it from a backup, or delete it and a new key is made for receipts.");
        }
    }

    /// <summary>The receipt with its signature.</summary>
    public Receipt Sign(Receipt receipt)
    {
        lock (_gate)
        {
            _key ??= Make();
            byte[] value = _key.SignData(ReceiptBytes.Of(receipt), HashAlgorithmName.SHA256);
            return receipt with { Signature = new ReceiptSignature(ReceiptSignature.Ecdsa, Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo()), Convert.ToBase64String(value)) };
        }
    }

    public void Dispose() => _key?.Dispose();

    private ECDsa Make()
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Durable.Write(_publicPath, file => file.Write(Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem())));
        Durable.Write(_path, file =>
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            file.Write(Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        });
        return key;
    }
}
