using OrleansInference.EndToEnd.Tests.Models;

using SkiaSharp;

using TorchSharp;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>The network of <c>digits</c>, run in the test process and by other code than the service's.</summary>
internal sealed class DirectForward : IDisposable
{
    private const int Side = 28;

    private readonly torch.jit.ScriptModule _module;

    public DirectForward()
    {
        _module = torch.jit.load(Samples.DigitsModel);
        _module.eval();
    }

    /// <summary>The probabilities of the ten digits.</summary>
    public float[] Run(byte[] picture)
    {
        using var mode = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var pixels = torch.tensor(ReadPixels(picture), [1, 1, Side, Side]);
        var scores = (torch.Tensor)_module.forward(pixels);
        return torch.nn.functional.softmax(scores, 1).data<float>().ToArray();
    }

    public void Dispose() => _module.Dispose();

    private static float[] ReadPixels(byte[] picture)
    {
        using var bitmap = SKBitmap.Decode(picture);
        Assert.Equal((Side, Side), (bitmap.Width, bitmap.Height));
        return [.. bitmap.Pixels.Select(pixel => (pixel.Red / 255f - 0.1307f) / 0.3081f)];
    }
}
