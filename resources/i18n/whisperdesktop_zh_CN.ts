<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name></name>
    <message>
        <source>Choose another folder, or make room on the disk.</source>
        <translation>请选择其他文件夹，或腾出磁盘空间。</translation>
    </message>
    <message>
        <source>Please report it with the log file {path}.</source>
        <translation>请将此问题连同日志文件 {path} 一并反馈。</translation>
    </message>
    <message>
        <source>No model is loaded.</source>
        <translation>尚未加载模型。</translation>
    </message>
    <message>
        <source>Choose a model file.</source>
        <translation>请选择一个模型文件。</translation>
    </message>
    <message>
        <source>Whisper knows no language {name}.</source>
        <translation>Whisper 不支持语言 {name}。</translation>
    </message>
    <message>
        <source>Did you mean {name}?</source>
        <translation>您是不是想输入 {name}？</translation>
    </message>
    <message>
        <source>Give an English name, a code (en, de, zh, ...) or auto.</source>
        <translation>请输入语言的英文名称、代码（en、de、zh 等）或 auto。</translation>
    </message>
    <message>
        <source>There is not enough memory.</source>
        <translation>内存不足。</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model.</source>
        <translation>请关闭其他程序，或选择更小的模型。</translation>
    </message>
    <message>
        <source>The program made a mistake ({error}).</source>
        <translation>程序出错了（{error}）。</translation>
    </message>
    <message>
        <source>The model file cannot be read</source>
        <translation>无法读取模型文件</translation>
    </message>
    <message>
        <source>This file is not a Whisper model</source>
        <translation>此文件不是 Whisper 模型</translation>
    </message>
    <message>
        <source>The model is quantized in a way that is not supported</source>
        <translation>不支持此模型的量化方式</translation>
    </message>
    <message>
        <source>The model file is of an outdated form</source>
        <translation>模型文件的格式已过时</translation>
    </message>
    <message>
        <source>The model file is damaged</source>
        <translation>模型文件已损坏</translation>
    </message>
    <message>
        <source>The file holds another kind of model</source>
        <translation>此文件是其他种类的模型</translation>
    </message>
    <message>
        <source>The model file cannot be used</source>
        <translation>无法使用此模型文件</translation>
    </message>
    <message>
        <source>The model file wants to run code</source>
        <translation>模型文件企图运行代码</translation>
    </message>
    <message>
        <source>The model cannot be written in this way</source>
        <translation>无法以这种方式写入模型</translation>
    </message>
    <message>
        <source>No model is loaded</source>
        <translation>尚未加载模型</translation>
    </message>
    <message>
        <source>Recording not found or not readable</source>
        <translation>找不到或无法读取录音</translation>
    </message>
    <message>
        <source>The recording is gone</source>
        <translation>录音已不在</translation>
    </message>
    <message>
        <source>No sound in this file</source>
        <translation>此文件中没有声音</translation>
    </message>
    <message>
        <source>Not a playable recording</source>
        <translation>不是可以播放的录音</translation>
    </message>
    <message>
        <source>The recording cannot be read</source>
        <translation>无法读取录音</translation>
    </message>
    <message>
        <source>The device cannot be used</source>
        <translation>无法使用此设备</translation>
    </message>
    <message>
        <source>There is not enough memory on the device</source>
        <translation>设备内存不足</translation>
    </message>
    <message>
        <source>The device stopped working</source>
        <translation>设备停止工作</translation>
    </message>
    <message>
        <source>The device cannot run this program</source>
        <translation>设备无法运行本程序</translation>
    </message>
    <message>
        <source>The model cannot do this</source>
        <translation>此模型做不到</translation>
    </message>
    <message>
        <source>There is not enough memory</source>
        <translation>内存不足</translation>
    </message>
    <message>
        <source>The program made a mistake</source>
        <translation>程序出错了</translation>
    </message>
    <message>
        <source>The list of published models cannot be read</source>
        <translation>无法读取已发布模型的列表</translation>
    </message>
    <message>
        <source>There is no such model</source>
        <translation>没有这个模型</translation>
    </message>
    <message>
        <source>The settings cannot be used</source>
        <translation>无法使用这些设置</translation>
    </message>
    <message>
        <source>The network is switched off</source>
        <translation>网络已关闭</translation>
    </message>
    <message>
        <source>The server cannot be reached</source>
        <translation>无法连接到服务器</translation>
    </message>
    <message>
        <source>The proxy cannot be used</source>
        <translation>无法使用代理</translation>
    </message>
    <message>
        <source>The server&apos;s certificate is not trusted</source>
        <translation>服务器的证书不受信任</translation>
    </message>
    <message>
        <source>The connection was lost</source>
        <translation>连接中断</translation>
    </message>
    <message>
        <source>The server leads nowhere</source>
        <translation>服务器的重定向无效</translation>
    </message>
    <message>
        <source>The server offers another file</source>
        <translation>服务器提供的是另一个文件</translation>
    </message>
    <message>
        <source>The model is being downloaded already</source>
        <translation>此模型已在下载中</translation>
    </message>
    <message>
        <source>There is no GPU support for this system</source>
        <translation>此系统没有 GPU 支持</translation>
    </message>
    <message>
        <source>A package cannot be unpacked</source>
        <translation>软件包无法解压</translation>
    </message>
    <message>
        <source>The server is busy</source>
        <translation>服务器繁忙</translation>
    </message>
    <message>
        <source>The server does not give the file</source>
        <translation>服务器不提供此文件</translation>
    </message>
    <message>
        <source>What arrived is not the published file</source>
        <translation>收到的不是已发布的文件</translation>
    </message>
    <message>
        <source>There is not enough room on the disk</source>
        <translation>磁盘空间不足</translation>
    </message>
    <message>
        <source>The folder cannot be written</source>
        <translation>无法写入文件夹</translation>
    </message>
    <message>
        <source>The model cannot be removed</source>
        <translation>无法删除此模型</translation>
    </message>
    <message>
        <source>The file could not be written</source>
        <translation>无法写入文件</translation>
    </message>
    <message>
        <source>{name} holds no sound that can be decoded.</source>
        <translation>{name} 中没有可以解码的声音。</translation>
    </message>
    <message>
        <source>{name} cannot be read: {reason}.</source>
        <translation>无法读取 {name}：{reason}。</translation>
    </message>
    <message>
        <source>Put the recording back to where it was.</source>
        <translation>请将录音放回原处。</translation>
    </message>
    <message>
        <source>{name} holds no sound that can be played.</source>
        <translation>{name} 中没有可以播放的声音。</translation>
    </message>
    <message>
        <source>Check that it plays in a media player.</source>
        <translation>请检查它能否在播放器中播放。</translation>
    </message>
    <message>
        <source>{name} holds values that are no numbers; they are taken as silence.</source>
        <translation>{name} 含有不是数字的采样值，已按静音处理。</translation>
    </message>
    <message>
        <source>There is no recording in the folder {path}.</source>
        <translation>文件夹 {path} 中没有录音。</translation>
    </message>
    <message>
        <source>Choose a folder with audio or video files in it.</source>
        <translation>请选择含有音频或视频文件的文件夹。</translation>
    </message>
    <message>
        <source>{path} is a folder.</source>
        <translation>{path} 是文件夹。</translation>
    </message>
    <message>
        <source>{path} is not an ordinary file.</source>
        <translation>{path} 不是普通文件。</translation>
    </message>
    <message>
        <source>{name} was taken away while it was read: {reason}.</source>
        <translation>读取 {name} 时它被移走：{reason}。</translation>
    </message>
    <message>
        <source>Connect the drive again, then resume: the text so far is kept.</source>
        <translation>请重新连接驱动器，然后继续：已有的文字会保留。</translation>
    </message>
    <message>
        <source>Choose an audio or video file.</source>
        <translation>请选择音频或视频文件。</translation>
    </message>
    <message>
        <source>{name} is empty (0 bytes).</source>
        <translation>{name} 是空文件（0 字节）。</translation>
    </message>
    <message>
        <source>Copy or download it again.</source>
        <translation>请重新复制或下载。</translation>
    </message>
    <message>
        <source>There is no file {path}.</source>
        <translation>文件 {path} 不存在。</translation>
    </message>
    <message>
        <source>Check the name and the folder.</source>
        <translation>请检查文件名和所在的文件夹。</translation>
    </message>
    <message>
        <source>{path} may not be read: permission denied.</source>
        <translation>没有读取 {path} 的权限。</translation>
    </message>
    <message>
        <source>Ask for the right to read it, or for a copy.</source>
        <translation>请申请读取权限，或索取一份副本。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}.</source>
        <translation>无法读取 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Check that you may read it.</source>
        <translation>请检查您是否有读取权限。</translation>
    </message>
    <message>
        <source>Check the disk or the network it is on.</source>
        <translation>请检查文件所在的磁盘或网络。</translation>
    </message>
    <message>
        <source>The recording claims a sample rate of {rate} Hz, expected {least} to {most}.</source>
        <translation>录音标称的采样率为 {rate} Hz，应为 {least} 至 {most} Hz。</translation>
    </message>
    <message>
        <source>The file is damaged: copy or download it again.</source>
        <translation>文件已损坏，请重新复制或下载。</translation>
    </message>
    <message>
        <source>Check that it plays in a media player, or convert it to WAV, FLAC or MP3.</source>
        <translation>请检查它能否在播放器中播放，或将其转换为 WAV、FLAC 或 MP3。</translation>
    </message>
    <message>
        <source>{name} holds more sound than its header says; all of it is read.</source>
        <translation>{name} 的实际内容比文件头标明的长，已全部读取。</translation>
    </message>
    <message>
        <source>{name} is an MP4 file without its index: it was cut off, or its recording was interrupted.</source>
        <translation>{name} 是缺少索引的 MP4 文件：文件被截断，或录制时中断。</translation>
    </message>
    <message>
        <source>{name} is not audio or video in any format known here.</source>
        <translation>{name} 不是本程序能识别的音频或视频格式。</translation>
    </message>
    <message>
        <source>{name} has no sound in it.</source>
        <translation>{name} 中没有声音。</translation>
    </message>
    <message>
        <source>Choose a file with a sound track.</source>
        <translation>请选择带有音轨的文件。</translation>
    </message>
    <message>
        <source>The sound of {name} is damaged, or stored in a way not known here.</source>
        <translation>{name} 的声音已损坏，或采用了本程序不能识别的存储方式。</translation>
    </message>
    <message>
        <source>{name} has {n} sound tracks; number {i} is used.</source>
        <translation>{name} 有 {n} 条音轨，使用第 {i} 条。</translation>
    </message>
    <message>
        <source>{name} could not be read beyond {time}: {reason}.</source>
        <translation>{name} 在 {time} 之后无法读取：{reason}。</translation>
    </message>
    <message>
        <source>1 damaged packet of {name} could not be decoded.</source>
        <translation>{name} 中有 1 个损坏的数据包无法解码。</translation>
    </message>
    <message>
        <source>{n} damaged packets of {name} could not be decoded.</source>
        <translation>{name} 中有 {n} 个损坏的数据包无法解码。</translation>
    </message>
    <message>
        <source>{lost} s of sound are missing inside {name}: times after that are early.</source>
        <translation>{name} 中间缺少 {lost} 秒声音，其后的时间会偏早。</translation>
    </message>
    <message>
        <source>{name} ends at {end} of {stated}: the rest is missing.</source>
        <translation>{name} 全长应为 {stated}，到 {end} 就结束了，其余部分缺失。</translation>
    </message>
    <message>
        <source>{name} ends in the middle of a packet, at {end}: it may be cut off.</source>
        <translation>{name} 在 {end} 处的数据包中间结束，可能已被截断。</translation>
    </message>
    <message>
        <source>{name} cannot be decoded: {reason}.</source>
        <translation>无法解码 {name}：{reason}。</translation>
    </message>
    <message>
        <source>Reference engine: plain NumPy</source>
        <translation>参考引擎：纯 NumPy</translation>
    </message>
    <message>
        <source>As requested</source>
        <translation>按您的要求</translation>
    </message>
    <message>
        <source>There is no device named {name}, expected auto, cpu, cuda or cuda:1.</source>
        <translation>没有名为 {name} 的设备，应为 auto、cpu、cuda 或 cuda:1。</translation>
    </message>
    <message>
        <source>Choose one of these.</source>
        <translation>请选择其中之一。</translation>
    </message>
    <message>
        <source>The GPU cannot be used: {cause}.</source>
        <translation>无法使用 GPU：{cause}。</translation>
    </message>
    <message>
        <source>As requested: {gpu}</source>
        <translation>按要求使用：{gpu}</translation>
    </message>
    <message>
        <source>{cause}, but it has not passed the self-test yet</source>
        <translation>{cause}，但尚未通过自检</translation>
    </message>
    <message>
        <source>There is no usable GPU cuda:{number}, but {gpus}.</source>
        <translation>没有可用的 GPU cuda:{number}，可用的有 {gpus}。</translation>
    </message>
    <message>
        <source>{name} ({memory} GB, compute capability {capability})</source>
        <translation>{name}（{memory} GB，计算能力 {capability}）</translation>
    </message>
    <message>
        <source>No NVIDIA driver was found</source>
        <translation>未找到 NVIDIA 驱动程序</translation>
    </message>
    <message>
        <source>If there is an NVIDIA GPU, install its driver, version {release} or newer.</source>
        <translation>如果有 NVIDIA GPU，请安装其驱动程序，版本 {release} 或更新。</translation>
    </message>
    <message>
        <source>The NVIDIA driver was updated and waits for a restart</source>
        <translation>NVIDIA 驱动程序已更新，需要重新启动电脑</translation>
    </message>
    <message>
        <source>The NVIDIA driver does not start (CUDA error {number})</source>
        <translation>NVIDIA 驱动程序无法启动（CUDA 错误 {number}）</translation>
    </message>
    <message>
        <source>Restart the computer; if that does not help, install the NVIDIA driver anew.</source>
        <translation>请重新启动计算机；如果仍无效，请重新安装 NVIDIA 驱动程序。</translation>
    </message>
    <message>
        <source>An NVIDIA driver was found, but no NVIDIA GPU</source>
        <translation>找到了 NVIDIA 驱动程序，但没有 NVIDIA 显卡</translation>
    </message>
    <message>
        <source>If there is one, see that it is connected and that CUDA_VISIBLE_DEVICES does not hide it.</source>
        <translation>如果确实有 GPU，请检查它是否已连接，以及 CUDA_VISIBLE_DEVICES 是否将其隐藏。</translation>
    </message>
    <message>
        <source>{driver} found, which supports CUDA {got}; CUDA {needed} is needed (driver {release} or newer)</source>
        <translation>找到 {driver}，支持 CUDA {got}；需要 CUDA {needed}（驱动程序 {release} 或更高版本）</translation>
    </message>
    <message>
        <source>Install a current NVIDIA driver.</source>
        <translation>请安装最新的 NVIDIA 驱动程序。</translation>
    </message>
    <message>
        <source>{gpu} found, whose compute capability {got} is too old; {needed} is needed</source>
        <translation>找到 {gpu}，但其计算能力 {got} 过低，需要 {needed}</translation>
    </message>
    <message>
        <source>A GeForce RTX 20 or GTX 16, or anything newer, would do.</source>
        <translation>GeForce RTX 20、GTX 16 或更新的 GPU 均可。</translation>
    </message>
    <message>
        <source>{gpu} found, but the package CuPy is not installed</source>
        <translation>已找到 {gpu}，但未安装 CuPy 软件包</translation>
    </message>
    <message>
        <source>Install the package cupy-cuda13x.</source>
        <translation>请安装软件包 cupy-cuda13x。</translation>
    </message>
    <message>
        <source>{gpu} found, but the compiler NVRTC is not installed, or not its headers</source>
        <translation>已找到 {gpu}，但未安装 NVRTC 编译器或其头文件</translation>
    </message>
    <message>
        <source>Install the package cuda-toolkit[nvrtc,cudart].</source>
        <translation>请安装软件包 cuda-toolkit[nvrtc,cudart]。</translation>
    </message>
    <message>
        <source>{gpu} found</source>
        <translation>找到 {gpu}</translation>
    </message>
    <message>
        <source>Nothing needs to be done.</source>
        <translation>无需任何操作。</translation>
    </message>
    <message>
        <source>NVIDIA driver</source>
        <translation>NVIDIA 驱动程序</translation>
    </message>
    <message>
        <source>NVIDIA driver {release}</source>
        <translation>NVIDIA 驱动程序 {release}</translation>
    </message>
    <message>
        <source>Permission denied</source>
        <translation>权限不足</translation>
    </message>
    <message>
        <source>Operation not permitted</source>
        <translation>不允许此操作</translation>
    </message>
    <message>
        <source>No such file or directory</source>
        <translation>没有这个文件或文件夹</translation>
    </message>
    <message>
        <source>Not a directory</source>
        <translation>不是文件夹</translation>
    </message>
    <message>
        <source>Is a directory</source>
        <translation>是文件夹</translation>
    </message>
    <message>
        <source>File exists</source>
        <translation>文件已存在</translation>
    </message>
    <message>
        <source>File name too long</source>
        <translation>文件名过长</translation>
    </message>
    <message>
        <source>Too many levels of symbolic links</source>
        <translation>符号链接层数过多</translation>
    </message>
    <message>
        <source>Input/output error</source>
        <translation>输入/输出错误</translation>
    </message>
    <message>
        <source>No such device</source>
        <translation>没有这个设备</translation>
    </message>
    <message>
        <source>Stale file handle</source>
        <translation>文件句柄已失效</translation>
    </message>
    <message>
        <source>Connection timed out</source>
        <translation>连接超时</translation>
    </message>
    <message>
        <source>Too many open files</source>
        <translation>打开的文件过多</translation>
    </message>
    <message>
        <source>No space left on device</source>
        <translation>磁盘空间不足</translation>
    </message>
    <message>
        <source>Disk quota exceeded</source>
        <translation>超出磁盘配额</translation>
    </message>
    <message>
        <source>File too large</source>
        <translation>文件过大</translation>
    </message>
    <message>
        <source>Read-only file system</source>
        <translation>文件系统是只读的</translation>
    </message>
    <message>
        <source>Cannot allocate memory</source>
        <translation>无法分配内存</translation>
    </message>
    <message>
        <source>Connection refused</source>
        <translation>连接被拒绝</translation>
    </message>
    <message>
        <source>Connection reset by peer</source>
        <translation>连接被对方重置</translation>
    </message>
    <message>
        <source>Network is unreachable</source>
        <translation>网络不可达</translation>
    </message>
    <message>
        <source>No route to host</source>
        <translation>没有到主机的路由</translation>
    </message>
    <message>
        <source>Broken pipe</source>
        <translation>管道已断开</translation>
    </message>
    <message>
        <source>Choose a Whisper model in ggml (.bin) or GGUF form.</source>
        <translation>请选择 ggml（.bin）或 GGUF 格式的 Whisper 模型。</translation>
    </message>
    <message>
        <source>These are not the dimensions of a Whisper model: {wrong} (n_audio_head {n_audio_head}; expected n_mels 80 or 128, n_audio_ctx 1500, heads of size 64, n_vocab 51864 to 51866).</source>
        <translation>这些不是 Whisper 模型的维度：{wrong}（n_audio_head {n_audio_head}；应为 n_mels 80 或 128、n_audio_ctx 1500、每个注意力头大小 64、n_vocab 51864 至 51866）。</translation>
    </message>
    <message>
        <source>The vocabulary has {got} tokens, expected {least} to {most}.</source>
        <translation>词表有 {got} 个词元，应为 {least} 至 {most} 个。</translation>
    </message>
    <message>
        <source>The file is not a complete Whisper model of its dimensions: it lacks {names}.</source>
        <translation>按其维度，此文件不是完整的 Whisper 模型：缺少 {names}。</translation>
    </message>
    <message>
        <source>The file is no Whisper model of its dimensions: it also holds {names}.</source>
        <translation>按其维度，此文件不是 Whisper 模型：还多出 {names}。</translation>
    </message>
    <message>
        <source>Tensor {name} has shape {got}, expected {expected}.</source>
        <translation>张量 {name} 的形状为 {got}，应为 {expected}。</translation>
    </message>
    <message>
        <source>Tensor {name} was quantized in version {got} of ggml&apos;s block layouts, expected version {expected}.</source>
        <translation>张量 {name} 按 ggml 块布局的第 {got} 版量化，应为第 {expected} 版。</translation>
    </message>
    <message>
        <source>Download a current version of this model, or quantize it again with a current whisper.cpp.</source>
        <translation>请下载此模型的最新版本，或用新版 whisper.cpp 重新量化。</translation>
    </message>
    <message>
        <source>{names} and {n} more</source>
        <translation>{names} 等，另有 {n} 项</translation>
    </message>
    <message>
        <source>The model file is cut short or damaged: {cause}.</source>
        <translation>模型文件不完整或已损坏：{cause}。</translation>
    </message>
    <message>
        <source>Download or copy the model file again; if that does not help, choose another model.</source>
        <translation>请重新下载或复制模型文件；如果仍然不行，请选择其他模型。</translation>
    </message>
    <message>
        <source>{what} should have {n} bytes from offset {offset} on, got {got}</source>
        <translation>{what}从偏移 {offset} 起应有 {n} 字节，实际只有 {got} 字节</translation>
    </message>
    <message>
        <source>{what} claims to be text of {n} bytes, expected at most {most}</source>
        <translation>{what}标称为 {n} 字节的文本，最多应为 {most} 字节</translation>
    </message>
    <message>
        <source>{what} is not UTF-8 text</source>
        <translation>{what}不是 UTF-8 文本</translation>
    </message>
    <message>
        <source>{what} should be {n} strings, got fewer in {got} bytes</source>
        <translation>{what}应有 {n} 个字符串，但 {got} 字节中不足此数</translation>
    </message>
    <message>
        <source>Tensor {name} has type number {number}, which is not supported.</source>
        <translation>张量 {name} 的类型编号为 {number}，不受支持。</translation>
    </message>
    <message>
        <source>Choose a model stored as {types}.</source>
        <translation>请选择以下列类型存储的模型：{types}。</translation>
    </message>
    <message>
        <source>The file is a zip archive, not a PyTorch checkpoint: it holds no data.pkl.</source>
        <translation>此文件是 zip 压缩包，不是 PyTorch 检查点：其中没有 data.pkl。</translation>
    </message>
    <message>
        <source>data.pkl has {n} bytes, expected at most {most}</source>
        <translation>data.pkl 有 {n} 字节，最多应为 {most} 字节</translation>
    </message>
    <message>
        <source>its numbers are in big-endian order</source>
        <translation>其中的数值是大端序的</translation>
    </message>
    <message>
        <source>data.pkl holds no state dict</source>
        <translation>data.pkl 中没有 state dict</translation>
    </message>
    <message>
        <source>tensor {name} is in the archive&apos;s file {file}, which is not there</source>
        <translation>张量 {name} 应在压缩包内的文件 {file} 中，但没有这个文件</translation>
    </message>
    <message>
        <source>tensor {name} has shape {shape}</source>
        <translation>张量 {name} 的形状为 {shape}</translation>
    </message>
    <message>
        <source>tensor {name} of shape {shape} takes the numbers {first} to {last} of {n}</source>
        <translation>形状为 {shape} 的张量 {name} 占用第 {first} 至 {last} 个数值，而总共只有 {n} 个</translation>
    </message>
    <message>
        <source>tensor {name} has rows of {n} weights, expected a multiple of {block} ({type})</source>
        <translation>张量 {name} 每行有 {n} 个权重，应为 {block} 的倍数（{type}）</translation>
    </message>
    <message>
        <source>the length of the header</source>
        <translation>文件头的长度</translation>
    </message>
    <message>
        <source>the header claims to have {n} bytes, expected at most {most}</source>
        <translation>文件头标称为 {n} 字节，最多应为 {most} 字节</translation>
    </message>
    <message>
        <source>the header is not valid JSON</source>
        <translation>文件头不是有效的 JSON</translation>
    </message>
    <message>
        <source>the header holds {type}, expected an object</source>
        <translation>文件头的内容为 {type}，应为对象</translation>
    </message>
    <message>
        <source>tensor {name} lies at {begin} to {end} of {n} bytes, expected from {expected} on</source>
        <translation>张量 {name} 位于 {n} 字节中的 {begin} 至 {end}，应从 {expected} 开始</translation>
    </message>
    <message>
        <source>it has {got} bytes of numbers, expected {expected}</source>
        <translation>文件中的数值有 {got} 字节，应为 {expected} 字节</translation>
    </message>
    <message>
        <source>the header does not say where tensor {name} is</source>
        <translation>文件头没有说明张量 {name} 的位置</translation>
    </message>
    <message>
        <source>tensor {name} holds {got}, expected one of {types}</source>
        <translation>张量 {name} 的类型为 {got}，应为下列之一：{types}</translation>
    </message>
    <message>
        <source>tensor {name}</source>
        <translation>张量 {name} </translation>
    </message>
    <message>
        <source>Choose a Whisper model: OpenAI&apos;s .pt, a Hugging Face or faster-whisper folder, ggml or GGUF.</source>
        <translation>请选择 Whisper 模型：OpenAI 的 .pt、Hugging Face 或 faster-whisper 文件夹、ggml 或 GGUF。</translation>
    </message>
    <message>
        <source>The folder {path} holds {n} files that could be the model.</source>
        <translation>文件夹 {path} 中有 {n} 个文件都可能是模型。</translation>
    </message>
    <message>
        <source>The folder {path} holds no model: none of {names}.</source>
        <translation>文件夹 {path} 中没有模型：找不到下列任何一个文件：{names}。</translation>
    </message>
    <message>
        <source>Choose the model file itself, or the folder that it lies in.</source>
        <translation>请选择模型文件本身，或它所在的文件夹。</translation>
    </message>
    <message>
        <source>The checkpoint does not state {name}, so it is not one of openai/whisper&apos;s.</source>
        <translation>检查点没有给出 {name}，因此不是 openai/whisper 的检查点。</translation>
    </message>
    <message>
        <source>Choose a Whisper model, as published by OpenAI or on Hugging Face.</source>
        <translation>请选择由 OpenAI 或在 Hugging Face 上发布的 Whisper 模型。</translation>
    </message>
    <message>
        <source>its dimensions</source>
        <translation>维度</translation>
    </message>
    <message>
        <source>{key} is {got}, expected {expected}.</source>
        <translation>{key} 为 {got}，应为 {expected}。</translation>
    </message>
    <message>
        <source>{key} is {got}, expected an integer.</source>
        <translation>{key} 为 {got}，应为整数。</translation>
    </message>
    <message>
        <source>The file does not state {name} ({keys}).</source>
        <translation>文件没有给出 {name}（{keys}）。</translation>
    </message>
    <message>
        <source>The file is not a Whisper model: it lacks {names}.</source>
        <translation>此文件不是 Whisper 模型：缺少 {names}。</translation>
    </message>
    <message>
        <source>tensor {name} occurs twice, under two names</source>
        <translation>张量 {name} 以两个名称重复出现</translation>
    </message>
    <message>
        <source>The mel filters have shape {got}, expected {expected}.</source>
        <translation>梅尔滤波器的形状为 {got}，应为 {expected}。</translation>
    </message>
    <message>
        <source>Make a ggml or GGUF file of it first, with the command models import.</source>
        <translation>请先用 models import 命令将它转换为 ggml 或 GGUF 文件。</translation>
    </message>
    <message>
        <source>Download the model again, from a link that leads to the file itself.</source>
        <translation>请使用指向文件本身的链接重新下载模型。</translation>
    </message>
    <message>
        <source>a ggml model for big-endian machines</source>
        <translation>用于大端序机器的 ggml 模型</translation>
    </message>
    <message>
        <source>a model of an early llama.cpp</source>
        <translation>早期 llama.cpp 的模型</translation>
    </message>
    <message>
        <source>a Git LFS pointer, which stands for a file that was not downloaded</source>
        <translation>Git LFS 指针（真正的文件没有下载）</translation>
    </message>
    <message>
        <source>a web page, perhaps from a failed download</source>
        <translation>网页（可能是下载失败所致）</translation>
    </message>
    <message>
        <source>a safetensors file</source>
        <translation>safetensors 文件</translation>
    </message>
    <message>
        <source>JSON text, perhaps the message of a failed download</source>
        <translation>JSON 文本（可能是下载失败的提示信息）</translation>
    </message>
    <message>
        <source>a PyTorch checkpoint</source>
        <translation>PyTorch 检查点</translation>
    </message>
    <message>
        <source>a zip archive</source>
        <translation>zip 压缩包</translation>
    </message>
    <message>
        <source>Unpack the archive and choose the model in it.</source>
        <translation>请解压此压缩包，并选择其中的模型。</translation>
    </message>
    <message>
        <source>a compressed archive</source>
        <translation>压缩文件</translation>
    </message>
    <message>
        <source>Unpack it and choose the model.</source>
        <translation>请解压后选择其中的模型。</translation>
    </message>
    <message>
        <source>a pickle, as PyTorch wrote checkpoints before version 1.6</source>
        <translation>pickle 文件（PyTorch 1.6 之前的检查点格式）</translation>
    </message>
    <message>
        <source>a CTranslate2 model (faster-whisper)</source>
        <translation>CTranslate2 模型（faster-whisper）</translation>
    </message>
    <message>
        <source>an ONNX model</source>
        <translation>ONNX 模型</translation>
    </message>
    <message>
        <source>a TensorFlow Lite model</source>
        <translation>TensorFlow Lite 模型</translation>
    </message>
    <message>
        <source>a recording</source>
        <translation>录音</translation>
    </message>
    <message>
        <source>an unfinished download, since it begins with zeros</source>
        <translation>未下载完的文件（开头全是零）</translation>
    </message>
    <message>
        <source>The file is {kind}, not a ggml or GGUF model.</source>
        <translation>此文件是{kind}，不是 ggml 或 GGUF 模型。</translation>
    </message>
    <message>
        <source>The file is not a ggml or GGUF model: it begins with the bytes {got}, expected {ggml} or {gguf}.</source>
        <translation>此文件不是 ggml 或 GGUF 模型：开头的字节为 {got}，应为 {ggml} 或 {gguf}。</translation>
    </message>
    <message>
        <source>the magic number</source>
        <translation>魔数</translation>
    </message>
    <message>
        <source>the vocabulary&apos;s size</source>
        <translation>词表大小</translation>
    </message>
    <message>
        <source>the vocabulary</source>
        <translation>词表</translation>
    </message>
    <message>
        <source>the header</source>
        <translation>文件头</translation>
    </message>
    <message>
        <source>the mel filters&apos; shape</source>
        <translation>梅尔滤波器的形状</translation>
    </message>
    <message>
        <source>the mel filters</source>
        <translation>梅尔滤波器</translation>
    </message>
    <message>
        <source>tensor {name} occurs twice</source>
        <translation>张量 {name} 重复出现</translation>
    </message>
    <message>
        <source>The file holds more than {most} tensors, expected {n}.</source>
        <translation>文件中的张量超过 {most} 个，应为 {n} 个。</translation>
    </message>
    <message>
        <source>a tensor&apos;s header</source>
        <translation>张量头</translation>
    </message>
    <message>
        <source>the tensor header at offset {offset} claims {n_dims} dimensions and a name of {n_bytes} bytes</source>
        <translation>偏移 {offset} 处的张量头标称 {n_dims} 个维度和 {n_bytes} 字节的名称</translation>
    </message>
    <message>
        <source>a tensor&apos;s dimensions</source>
        <translation>张量的维度</translation>
    </message>
    <message>
        <source>the tensor name at offset {offset}</source>
        <translation>偏移 {offset} 处的张量名称</translation>
    </message>
    <message>
        <source>the version</source>
        <translation>版本号</translation>
    </message>
    <message>
        <source>The file is CTranslate2 of version {got}, expected {expected}.</source>
        <translation>文件是第 {got} 版 CTranslate2，应为第 {expected} 版。</translation>
    </message>
    <message>
        <source>the model&apos;s kind</source>
        <translation>模型种类</translation>
    </message>
    <message>
        <source>The CTranslate2 model is {got}, expected WhisperSpec.</source>
        <translation>CTranslate2 模型的种类为 {got}，应为 WhisperSpec。</translation>
    </message>
    <message>
        <source>the revision</source>
        <translation>修订号</translation>
    </message>
    <message>
        <source>the number of variables</source>
        <translation>变量个数</translation>
    </message>
    <message>
        <source>it claims {n} variables, expected at most {most}</source>
        <translation>文件标称有 {n} 个变量，最多应为 {most} 个</translation>
    </message>
    <message>
        <source>variable {name} occurs twice</source>
        <translation>变量 {name} 重复出现</translation>
    </message>
    <message>
        <source>The file is not a Whisper model: it lacks {name} of {n} dimensions.</source>
        <translation>此文件不是 Whisper 模型：缺少 {n} 维的 {name}。</translation>
    </message>
    <message>
        <source>a variable&apos;s name</source>
        <translation>变量名称</translation>
    </message>
    <message>
        <source>variable {name}</source>
        <translation>变量 {name} </translation>
    </message>
    <message>
        <source>{what} holds numbers of the unknown kind {kind}</source>
        <translation>{what}中数值的类型 {kind} 未知</translation>
    </message>
    <message>
        <source>{what} of shape {shape} has {n} bytes</source>
        <translation>{what}的形状为 {shape}，却有 {n} 字节</translation>
    </message>
    <message>
        <source>variable {name} holds integers without the scales that belong to them</source>
        <translation>变量 {name} 存储的是整数，却没有对应的缩放系数</translation>
    </message>
    <message>
        <source>variable {name} has scales that nothing can be divided by</source>
        <translation>变量 {name} 的缩放系数不能用作除数</translation>
    </message>
    <message>
        <source>The file is not a Whisper model: it holds {name}.</source>
        <translation>此文件不是 Whisper 模型：其中有 {name}。</translation>
    </message>
    <message>
        <source>it claims {n_tensors} tensors and {n_metadata} metadata, expected at most {most}</source>
        <translation>文件标称有 {n_tensors} 个张量和 {n_metadata} 项元数据，最多应为 {most}</translation>
    </message>
    <message>
        <source>The model&apos;s architecture is {name}, expected whisper.</source>
        <translation>模型的架构为 {name}，应为 whisper。</translation>
    </message>
    <message>
        <source>The file is big-endian GGUF, expected little-endian.</source>
        <translation>文件是大端序的 GGUF，应为小端序。</translation>
    </message>
    <message>
        <source>The file is GGUF of version {version}, expected version 2 or 3.</source>
        <translation>文件是第 {version} 版 GGUF，应为第 2 或第 3 版。</translation>
    </message>
    <message>
        <source>Convert the model again with a current converter, or choose another one.</source>
        <translation>请用新版转换工具重新转换模型，或选择其他模型。</translation>
    </message>
    <message>
        <source>a metadata key</source>
        <translation>元数据的键</translation>
    </message>
    <message>
        <source>metadata {key} occurs twice</source>
        <translation>元数据 {key} 重复出现</translation>
    </message>
    <message>
        <source>its metadata claim {n} strings, expected at most {most}</source>
        <translation>元数据标称有 {n} 个字符串，最多应为 {most} 个</translation>
    </message>
    <message>
        <source>metadata {key}</source>
        <translation>元数据 {key} </translation>
    </message>
    <message>
        <source>{what} has the unknown type {type}</source>
        <translation>{what}的类型 {type} 未知</translation>
    </message>
    <message>
        <source>{what} is an array of the unknown type {type}</source>
        <translation>{what}是未知类型 {type} 的数组</translation>
    </message>
    <message>
        <source>a tensor name</source>
        <translation>张量名称</translation>
    </message>
    <message>
        <source>tensor {name} claims {n} dimensions</source>
        <translation>张量 {name} 标称有 {n} 个维度</translation>
    </message>
    <message>
        <source>metadata general.alignment is {got}, expected 1 to {most}</source>
        <translation>元数据 general.alignment 为 {got}，应为 1 至 {most}</translation>
    </message>
    <message>
        <source>tensor {name} overlaps another one</source>
        <translation>张量 {name} 与另一个张量重叠</translation>
    </message>
    <message>
        <source>metadata {key} is {type}, expected an integer</source>
        <translation>元数据 {key} 的类型为 {type}，应为整数</translation>
    </message>
    <message>
        <source>Download or copy the model again.</source>
        <translation>请重新下载或复制模型。</translation>
    </message>
    <message>
        <source>Check that the file is there and that you may read it, or choose another model.</source>
        <translation>请检查文件是否存在、您是否有读取权限，或选择其他模型。</translation>
    </message>
    <message>
        <source>The model file does not state {what}, and {path} cannot be read: {reason}.</source>
        <translation>模型文件没有给出{what}，而 {path} 无法读取：{reason}。</translation>
    </message>
    <message>
        <source>Put the model&apos;s config.json and tokenizer.json beside it, or choose another model.</source>
        <translation>请将该模型的 config.json 和 tokenizer.json 放在它旁边，或选择其他模型。</translation>
    </message>
    <message>
        <source>{name} beside it is not valid JSON</source>
        <translation>旁边的 {name} 不是有效的 JSON</translation>
    </message>
    <message>
        <source>{name} beside it holds {type}, expected an object</source>
        <translation>旁边的 {name} 内容为 {type}，应为对象</translation>
    </message>
    <message>
        <source>where its tensors are</source>
        <translation>张量的位置</translation>
    </message>
    <message>
        <source>{file} has no weight_map</source>
        <translation>{file} 中没有 weight_map</translation>
    </message>
    <message>
        <source>{file} names files that do not lie beside it</source>
        <translation>{file} 提到了不在其旁边的文件</translation>
    </message>
    <message>
        <source>tensor {name} is in two of the files that {file} names</source>
        <translation>{file} 所列的文件中有两个都含有张量 {name}</translation>
    </message>
    <message>
        <source>its mel filters</source>
        <translation>梅尔滤波器</translation>
    </message>
    <message>
        <source>{file} has mel filters that are no table of numbers</source>
        <translation>{file} 中的梅尔滤波器不是数值表</translation>
    </message>
    <message>
        <source>{file} has mel filters of shape {got}, expected {expected}</source>
        <translation>{file} 中梅尔滤波器的形状为 {got}，应为 {expected}</translation>
    </message>
    <message>
        <source>its vocabulary</source>
        <translation>词表</translation>
    </message>
    <message>
        <source>{name} beside it cannot be read ({reason})</source>
        <translation>无法读取旁边的 {name}（{reason}）</translation>
    </message>
    <message>
        <source>{name} beside it is no list of tokens</source>
        <translation>旁边的 {name} 不是词元列表</translation>
    </message>
    <message>
        <source>the vocabulary&apos;s token {token} is not UTF-8 text</source>
        <translation>词表中的词元 {token} 不是 UTF-8 文本</translation>
    </message>
    <message>
        <source>the vocabulary&apos;s token {token} is not in GPT-2&apos;s byte-level encoding</source>
        <translation>词表中的词元 {token} 不符合 GPT-2 的字节级编码</translation>
    </message>
    <message>
        <source>tokenizer.json beside it is not a byte-level BPE tokenizer</source>
        <translation>旁边的 tokenizer.json 不是字节级 BPE 分词器</translation>
    </message>
    <message>
        <source>Choose a multilingual model: one without .en in its name.</source>
        <translation>请选择多语言模型，即名称中不带 .en 的模型。</translation>
    </message>
    <message>
        <source>Download the model file again.</source>
        <translation>请重新下载模型文件。</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary has {got} entries, expected at least {least}.</source>
        <translation>模型的词表有 {got} 项，至少应有 {least} 项。</translation>
    </message>
    <message>
        <source>The model has {n} tokens, expected 51864 or more.</source>
        <translation>模型有 {n} 个词元，应为 51864 个或更多。</translation>
    </message>
    <message>
        <source>Choose a Whisper model.</source>
        <translation>请选择 Whisper 模型。</translation>
    </message>
    <message>
        <source>Name it in English or by its code, one of: {codes}.</source>
        <translation>请使用语言的英文名称或代码，可用代码：{codes}。</translation>
    </message>
    <message>
        <source>This model knows English only, not {language}.</source>
        <translation>此模型只支持英语，不支持{language}。</translation>
    </message>
    <message>
        <source>This model does not know {language}, which came with large-v3.</source>
        <translation>此模型不支持{language}，该语言从 large-v3 起才有。</translation>
    </message>
    <message>
        <source>Choose large-v3, a model made from it, or another language.</source>
        <translation>请选择 large-v3 或由它衍生的模型，或选择其他语言。</translation>
    </message>
    <message>
        <source>This model knows English only, so it cannot translate.</source>
        <translation>此模型只支持英语，因此无法翻译。</translation>
    </message>
    <message>
        <source>No language was chosen.</source>
        <translation>未选择语言。</translation>
    </message>
    <message>
        <source>Choose the language, or let it be detected.</source>
        <translation>请选择语言，或使用自动检测。</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary lacks {n} of the 256 single bytes (0x{first}...).</source>
        <translation>模型的词表缺少 256 个单字节词元中的 {n} 个（0x{first}…）。</translation>
    </message>
    <message>
        <source>Choose another name or another folder.</source>
        <translation>请选择其他名称或其他文件夹。</translation>
    </message>
    <message>
        <source>The name {name} does not tell which kind of file to write.</source>
        <translation>从名称 {name} 看不出要写入哪种文件。</translation>
    </message>
    <message>
        <source>Choose a name that ends in .bin (whisper.cpp) or .gguf.</source>
        <translation>请使用以 .bin（whisper.cpp）或 .gguf 结尾的名称。</translation>
    </message>
    <message>
        <source>{path} belongs to the model that is read.</source>
        <translation>{path} 属于正在读取的模型。</translation>
    </message>
    <message>
        <source>{path} needs {needed} MB, and {free} MB are free there.</source>
        <translation>{path} 需要 {needed} MB，而那里只剩 {free} MB 可用空间。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>There is no type {name}.</source>
        <translation>没有名为 {name} 的类型。</translation>
    </message>
    <message>
        <source>Models of type {name} are read, not written.</source>
        <translation>{name} 类型的模型只能读取，不能写入。</translation>
    </message>
    <message>
        <source>Choose one of {types}.</source>
        <translation>请从下列类型中选择：{types}。</translation>
    </message>
    <message>
        <source>Tensor {name} has rows of {n} weights, which do not divide into blocks of {block} ({type}).</source>
        <translation>张量 {name} 每行有 {n} 个权重，无法均分为每块 {block} 个权重（{type}）。</translation>
    </message>
    <message>
        <source>Choose another type for this model, such as q8_0.</source>
        <translation>请为此模型选择其他类型，例如 q8_0。</translation>
    </message>
    <message>
        <source>tensor {name} holds weights that are not finite numbers</source>
        <translation>张量 {name} 含有不是有限数值的权重</translation>
    </message>
    <message>
        <source>Tensor {name} holds weights of up to {largest}, beyond what F16 holds (65504).</source>
        <translation>张量 {name} 的权重最大达 {largest}，超出 F16 的范围（65504）。</translation>
    </message>
    <message>
        <source>Write it as f32, with the command models quantize.</source>
        <translation>请用 models quantize 命令将它写成 f32。</translation>
    </message>
    <message>
        <source>its pickle cannot be read ({error})</source>
        <translation>无法读取其中的 pickle（{error}）</translation>
    </message>
    <message>
        <source>the pickle instruction {name}</source>
        <translation>名为 {name} 的 pickle 指令</translation>
    </message>
    <message>
        <source>the name {name}</source>
        <translation>名为 {name} 的代码</translation>
    </message>
    <message>
        <source>The checkpoint wants {what} to be run, which no model needs; nothing of it was run.</source>
        <translation>检查点要求运行{what}，而任何模型都不需要这样做；没有运行其中任何内容。</translation>
    </message>
    <message>
        <source>Do not trust this file; get the model from where it was published, if possible as safetensors.</source>
        <translation>请勿信任此文件；请从模型的发布处获取模型，最好是 safetensors 格式。</translation>
    </message>
    <message>
        <source>the archive claims {n} files, expected at most {most}</source>
        <translation>压缩包标称有 {n} 个文件，最多应为 {most} 个</translation>
    </message>
    <message>
        <source>the archive holds {name} twice</source>
        <translation>压缩包中 {name} 重复出现</translation>
    </message>
    <message>
        <source>the archive has no directory, which stands at its end</source>
        <translation>压缩包末尾缺少目录</translation>
    </message>
    <message>
        <source>the archive&apos;s directory</source>
        <translation>压缩包的目录</translation>
    </message>
    <message>
        <source>the archive&apos;s Zip64 directory</source>
        <translation>压缩包的 Zip64 目录</translation>
    </message>
    <message>
        <source>the archive&apos;s Zip64 directory is not where it should be</source>
        <translation>压缩包的 Zip64 目录不在应在的位置</translation>
    </message>
    <message>
        <source>the archive&apos;s directory is not a list of files</source>
        <translation>压缩包的目录不是文件列表</translation>
    </message>
    <message>
        <source>a file name in the archive</source>
        <translation>压缩包中的文件名</translation>
    </message>
    <message>
        <source>a file&apos;s description in the archive</source>
        <translation>压缩包中文件的描述信息</translation>
    </message>
    <message>
        <source>a file&apos;s comment in the archive</source>
        <translation>压缩包中文件的注释</translation>
    </message>
    <message>
        <source>{name} in the checkpoint is compressed or encrypted, which PyTorch&apos;s own files never are.</source>
        <translation>检查点中的 {name} 经过压缩或加密，而 PyTorch 自己的文件从不如此。</translation>
    </message>
    <message>
        <source>Get the model again from where it was published, or save it again with torch.save.</source>
        <translation>请从模型的发布处重新获取模型，或用 torch.save 重新保存。</translation>
    </message>
    <message>
        <source>{name} in the archive</source>
        <translation>压缩包中的 {name} </translation>
    </message>
    <message>
        <source>{name} is not where the archive&apos;s directory says</source>
        <translation>{name} 不在压缩包目录所说的位置</translation>
    </message>
    <message>
        <source>{what} does not have the checksum that it should</source>
        <translation>{what}的校验和不符</translation>
    </message>
    <message>
        <source>a file&apos;s size in the archive</source>
        <translation>压缩包中文件的大小</translation>
    </message>
    <message>
        <source>There is no published model named {name}.</source>
        <translation>没有名为 {name} 的已发布模型。</translation>
    </message>
    <message>
        <source>The list of models says what they are called.</source>
        <translation>模型列表中有它们的名称。</translation>
    </message>
    <message>
        <source>The catalogue of models {path} cannot be read: {cause}.</source>
        <translation>无法读取模型目录 {path}：{cause}。</translation>
    </message>
    <message>
        <source>Install the program again.</source>
        <translation>请重新安装本程序。</translation>
    </message>
    <message>
        <source>{folder} has {free} MB free, {name} needs {needed} MB more.</source>
        <translation>{folder} 剩余 {free} MB 空间，{name} 还需要 {needed} MB。</translation>
    </message>
    <message>
        <source>Make room on that disk, or download into another folder (models download --output).</source>
        <translation>请腾出该磁盘的空间，或下载到其他文件夹（models download --output）。</translation>
    </message>
    <message>
        <source>{host} ended after {n_done} of {n_bytes} bytes.</source>
        <translation>{host} 只发送了 {n_bytes} 字节中的 {n_done} 字节就结束了。</translation>
    </message>
    <message>
        <source>Try again; what has arrived is kept.</source>
        <translation>请重试；已下载的部分会保留。</translation>
    </message>
    <message>
        <source>{name} from {host} has SHA-256 {got}..., expected {expected}...: it is not the published file and was deleted.</source>
        <translation>来自 {host} 的 {name} 的 SHA-256 是 {got}...，应为 {expected}...：它不是已发布的文件，已被删除。</translation>
    </message>
    <message>
        <source>Try again later, or name another mirror in the network settings.</source>
        <translation>请稍后重试，或在网络设置中填写其他镜像。</translation>
    </message>
    <message>
        <source>{n} bytes</source>
        <translation>{n} 字节</translation>
    </message>
    <message>
        <source>another length</source>
        <translation>另一种长度</translation>
    </message>
    <message>
        <source>{offered} of {kind}</source>
        <translation>{offered}（{kind}）</translation>
    </message>
    <message>
        <source>{host} offers {offered}, expected {n} bytes.</source>
        <translation>{host} 提供的是 {offered}，应为 {n} 字节。</translation>
    </message>
    <message>
        <source>Your network may want you to log in first: open a web page, then try again.</source>
        <translation>您的网络可能要求先登录：请打开一个网页，然后重试。</translation>
    </message>
    <message>
        <source>The model {name} is not on this disk.</source>
        <translation>此磁盘上没有模型 {name}。</translation>
    </message>
    <message>
        <source>Fetch it ({n_bytes} MB) with &quot;models download {name}&quot;, or in the window.</source>
        <translation>请用“models download {name}”或在窗口中下载它（{n_bytes} MB）。</translation>
    </message>
    <message>
        <source>The model used last, {path}, is not there any more; the built-in one is used instead.</source>
        <translation>上次使用的模型 {path} 已不存在；现改用内置模型。</translation>
    </message>
    <message>
        <source>{path} cannot be deleted: {cause}.</source>
        <translation>无法删除 {path}：{cause}。</translation>
    </message>
    <message>
        <source>Close the programs that use it, and check that you may delete there.</source>
        <translation>请关闭正在使用它的程序，并检查您是否有权在该处删除文件。</translation>
    </message>
    <message>
        <source>{name} comes with the program.</source>
        <translation>{name} 是随程序提供的。</translation>
    </message>
    <message>
        <source>It cannot be removed on its own.</source>
        <translation>它不能单独删除。</translation>
    </message>
    <message>
        <source>There is no model named {name} in {folder}.</source>
        <translation>{folder} 中没有名为 {name} 的模型。</translation>
    </message>
    <message>
        <source>Other folders are their owners&apos;: delete it there.</source>
        <translation>其他文件夹属于别的程序或用户：请在那里删除。</translation>
    </message>
    <message>
        <source>Name or service not known</source>
        <translation>未知的名称或服务</translation>
    </message>
    <message>
        <source>Temporary failure in name resolution</source>
        <translation>域名解析暂时失败</translation>
    </message>
    <message>
        <source>The network is switched off in the settings: nothing was fetched.</source>
        <translation>网络已在设置中关闭：没有下载任何内容。</translation>
    </message>
    <message>
        <source>Switch it on in the network settings, or with &quot;models network --on&quot;.</source>
        <translation>请在网络设置中打开网络，或使用“models network --on”。</translation>
    </message>
    <message>
        <source>of the environment</source>
        <translation>（来自环境变量）</translation>
    </message>
    <message>
        <source>SOCKS is not supported</source>
        <translation>不支持 SOCKS</translation>
    </message>
    <message>
        <source>The proxy address {proxy} cannot be used: {cause}.</source>
        <translation>无法使用代理地址 {proxy}：{cause}。</translation>
    </message>
    <message>
        <source>Give one of the form http://host:port in the network settings or in HTTPS_PROXY.</source>
        <translation>请在网络设置或 HTTPS_PROXY 中填写 http://主机:端口 形式的地址。</translation>
    </message>
    <message>
        <source>No certificates can be read from {path}: {cause}.</source>
        <translation>无法从 {path} 读取证书：{cause}。</translation>
    </message>
    <message>
        <source>Name a PEM file in the network settings or in SSL_CERT_FILE, or none.</source>
        <translation>请在网络设置或 SSL_CERT_FILE 中指定一个 PEM 文件，或留空。</translation>
    </message>
    <message>
        <source>{host} redirects to {target} without encryption.</source>
        <translation>{host} 重定向到未加密的 {target}。</translation>
    </message>
    <message>
        <source>Name another mirror in the network settings, or ask the network&apos;s administrator.</source>
        <translation>请在网络设置中填写其他镜像，或询问网络管理员。</translation>
    </message>
    <message>
        <source>{host} answers {status}</source>
        <translation>{host} 的回应是 {status}</translation>
    </message>
    <message>
        <source>{host} answers {status}.</source>
        <translation>{host} 的回应是 {status}。</translation>
    </message>
    <message>
        <source>Try again later or name another mirror: the file may have been moved or be restricted.</source>
        <translation>请稍后重试，或填写其他镜像：文件可能已被移动或访问受限。</translation>
    </message>
    <message>
        <source>{host} answers {status} and asks to wait {seconds} s.</source>
        <translation>{host} 的回应是 {status}，并要求等待 {seconds} 秒。</translation>
    </message>
    <message>
        <source>Try again later; what has arrived is kept.</source>
        <translation>请稍后重试；已下载的部分会保留。</translation>
    </message>
    <message>
        <source>{host} redirects without end or to no web address.</source>
        <translation>{host} 不停地重定向，或重定向到无效的网址。</translation>
    </message>
    <message>
        <source>Name another mirror in the network settings.</source>
        <translation>请在网络设置中填写其他镜像。</translation>
    </message>
    <message>
        <source>The certificate of {host} is not trusted: {cause}.</source>
        <translation>{host} 的证书不受信任：{cause}。</translation>
    </message>
    <message>
        <source>If your network inspects connections, name its certificate in the network settings or in SSL_CERT_FILE.</source>
        <translation>如果您的网络会检查连接，请在网络设置或 SSL_CERT_FILE 中指定它的证书。</translation>
    </message>
    <message>
        <source>{address}: {cause}</source>
        <translation>{address}：{cause}</translation>
    </message>
    <message>
        <source>There is no connection to {host}: {cause}.</source>
        <translation>无法连接到 {host}：{cause}。</translation>
    </message>
    <message>
        <source>Check the connection to the internet.</source>
        <translation>请检查网络连接。</translation>
    </message>
    <message>
        <source>Nothing came from {host} for too long.</source>
        <translation>{host} 太久没有发送任何数据。</translation>
    </message>
    <message>
        <source>The connection to {host} broke: {cause}.</source>
        <translation>与 {host} 的连接中断：{cause}。</translation>
    </message>
    <message>
        <source>The proxy cannot be used: {cause}.</source>
        <translation>无法使用代理：{cause}。</translation>
    </message>
    <message>
        <source>Correct its address (http://user:password@host:port if it asks for one) in the network settings or in HTTPS_PROXY.</source>
        <translation>请在网络设置或 HTTPS_PROXY 中更正其地址（如需密码：http://user:password@主机:端口）。</translation>
    </message>
    <message>
        <source>built in</source>
        <translation>内置</translation>
    </message>
    <message>
        <source>your folder</source>
        <translation>您的文件夹</translation>
    </message>
    <message>
        <source>{path} cannot be looked into: {cause}.</source>
        <translation>无法查看 {path}：{cause}。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {cause}.</source>
        <translation>无法读取 {path}：{cause}。</translation>
    </message>
    <message>
        <source>{path} is not there, or is no folder.</source>
        <translation>{path} 不存在，或不是文件夹。</translation>
    </message>
    <message>
        <source>{name} is being downloaded into {folder} already.</source>
        <translation>{name} 已在下载到 {folder}。</translation>
    </message>
    <message>
        <source>Wait for that download, or stop it.</source>
        <translation>请等待该下载完成，或停止它。</translation>
    </message>
    <message>
        <source>The disk is full: {path} cannot be written ({cause}).</source>
        <translation>磁盘已满：无法写入 {path}（{cause}）。</translation>
    </message>
    <message>
        <source>Make room there and start again: what has arrived is kept.</source>
        <translation>请腾出空间后重新开始：已下载的部分会保留。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {cause}.</source>
        <translation>无法写入 {path}：{cause}。</translation>
    </message>
    <message>
        <source>See to it that you may write there, or take another folder.</source>
        <translation>请确认您有权写入该处，或改用其他文件夹。</translation>
    </message>
    <message>
        <source>The settings {path} cannot be read: {cause}.</source>
        <translation>无法读取设置 {path}：{cause}。</translation>
    </message>
    <message>
        <source>Correct this file, or delete it.</source>
        <translation>请更正此文件，或将其删除。</translation>
    </message>
    <message>
        <source>The settings {path} cannot be written: {cause}.</source>
        <translation>无法写入设置 {path}：{cause}。</translation>
    </message>
    <message>
        <source>See to it that you may write there.</source>
        <translation>请确认您有权写入该处。</translation>
    </message>
    <message>
        <source>{text} is not the address of a proxy.</source>
        <translation>{text} 不是代理地址。</translation>
    </message>
    <message>
        <source>Write it as http://host:port, with http://user:password@host:port where it asks.</source>
        <translation>请写成 http://主机:端口；如需密码，则写成 http://user:password@主机:端口。</translation>
    </message>
    <message>
        <source>{text} is not the address of a mirror.</source>
        <translation>{text} 不是镜像地址。</translation>
    </message>
    <message>
        <source>Write it as https://host; models are fetched from where huggingface.co has them there.</source>
        <translation>请写成 https://主机；其目录结构应与 huggingface.co 相同。</translation>
    </message>
    <message>
        <source>{path} holds no certificate in PEM form.</source>
        <translation>{path} 中没有 PEM 格式的证书。</translation>
    </message>
    <message>
        <source>Choose a file that begins with &quot;-----BEGIN CERTIFICATE-----&quot;.</source>
        <translation>请选择以“-----BEGIN CERTIFICATE-----”开头的文件。</translation>
    </message>
    <message>
        <source>Choose a file of certificates that is there.</source>
        <translation>请选择一个存在的证书文件。</translation>
    </message>
    <message>
        <source>Give a folder that is there.</source>
        <translation>请选择一个存在的文件夹。</translation>
    </message>
    <message>
        <source>{path} is none of your folders of models.</source>
        <translation>{path} 不在您的模型文件夹之列。</translation>
    </message>
    <message>
        <source>Give one of those that the list names.</source>
        <translation>请给出列表中列出的名称。</translation>
    </message>
    <message>
        <source>{path} is not the voice activity model, or is damaged.</source>
        <translation>{path} 不是语音活动检测模型，或者已损坏。</translation>
    </message>
    <message>
        <source>{device} does not start: {cause}</source>
        <translation>{device} 无法启动：{cause}</translation>
    </message>
    <message>
        <source>It has one channel only: speakers cannot be told apart.</source>
        <translation>它只有一个声道：无法区分说话人。</translation>
    </message>
    <message>
        <source>It needs about {need} MB of the {free} MB of memory that are free. Larger models are considered once a recording of ten seconds or more has shown how fast this machine is.</source>
        <translation>约需 {need} MB 内存，目前空闲 {free} MB。转写一段十秒以上的录音、得知本机速度之后，才会考虑更大的模型。</translation>
    </message>
    <message>
        <source>No model for many languages is fast enough here; this is the fastest, with about {speed} s of processing a second of audio. It needs about {need} MB of the {free} MB of memory that are free.</source>
        <translation>没有哪个多语言模型在本机上足够快；这是其中最快的，每秒音频约需处理 {speed} 秒。约需 {need} MB 内存，目前空闲 {free} MB。</translation>
    </message>
    <message>
        <source>Of the models for many languages that are fast enough here, it is the most capable one that fits: it needs about {need} MB of the {free} MB of memory that are free, and {speed} s of processing a second of audio.</source>
        <translation>在本机上足够快的多语言模型中，它是内存放得下的最强的一个：约需 {need} MB 内存（目前空闲 {free} MB），每秒音频约需处理 {speed} 秒。</translation>
    </message>
    <message>
        <source>The kernels are not compiled, and the compiler NVRTC was not found.</source>
        <translation>内核尚未编译，且未找到 NVRTC 编译器。</translation>
    </message>
    <message>
        <source>Install the GPU packages anew, or choose the device cpu.</source>
        <translation>请重新安装 GPU 软件包，或选择设备 cpu。</translation>
    </message>
    <message>
        <source>{name} cannot be compiled: {log}.</source>
        <translation>无法编译 {name}：{log}。</translation>
    </message>
    <message>
        <source>Report this, or choose the device cpu.</source>
        <translation>请报告此问题，或选择设备 cpu。</translation>
    </message>
    <message>
        <source>CuPy cannot be loaded: {cause}.</source>
        <translation>无法加载 CuPy：{cause}。</translation>
    </message>
    <message>
        <source>Install the GPU packages, or choose the device cpu.</source>
        <translation>请安装 GPU 软件包，或选择设备 cpu。</translation>
    </message>
    <message>
        <source>Choose the device cpu.</source>
        <translation>请选择设备 cpu。</translation>
    </message>
    <message>
        <source>Install a current NVIDIA driver, version 580 or newer, or choose the device cpu.</source>
        <translation>请安装最新的 NVIDIA 驱动程序（580 或更新版本），或选择设备 cpu。</translation>
    </message>
    <message>
        <source>Choose a smaller model or one in fewer bits, close other programs that use the GPU, or choose the device cpu.</source>
        <translation>请选择更小或位数更少的模型，关闭其他使用 GPU 的程序，或选择设备 cpu。</translation>
    </message>
    <message>
        <source>The GPU&apos;s memory is full ({error}).</source>
        <translation>GPU 显存已满（{error}）。</translation>
    </message>
    <message>
        <source>The GPU stopped working ({error}).</source>
        <translation>GPU 已停止工作（{error}）。</translation>
    </message>
    <message>
        <source>Start the program again to use the GPU; if it happens again, choose the device cpu.</source>
        <translation>请重新启动程序以使用 GPU；如果再次出现，请选择设备 cpu。</translation>
    </message>
    <message>
        <source>The GPU&apos;s driver does not accept the program&apos;s kernels ({error}).</source>
        <translation>GPU 驱动程序不接受本程序的内核（{error}）。</translation>
    </message>
    <message>
        <source>The GPU refused to work ({error}).</source>
        <translation>GPU 拒绝工作（{error}）。</translation>
    </message>
    <message>
        <source>The GPU has {free} MB of free memory, {needed} MB are needed.</source>
        <translation>GPU 有 {free} MB 可用显存，需要 {needed} MB。</translation>
    </message>
    <message>
        <source>There is no NVIDIA driver, or one that is too old ({error}).</source>
        <translation>没有 NVIDIA 驱动程序，或版本过旧（{error}）。</translation>
    </message>
    <message>
        <source>There is no NVIDIA GPU ({error}).</source>
        <translation>没有 NVIDIA GPU（{error}）。</translation>
    </message>
    <message>
        <source>The NVIDIA driver was updated and waits for a restart ({error}).</source>
        <translation>NVIDIA 驱动程序已更新，需要重新启动（{error}）。</translation>
    </message>
    <message>
        <source>Restart the computer.</source>
        <translation>请重新启动计算机。</translation>
    </message>
    <message>
        <source>The GPU cannot be used ({error}).</source>
        <translation>无法使用 GPU（{error}）。</translation>
    </message>
    <message>
        <source>The GPU&apos;s results are not numbers.</source>
        <translation>GPU 的结果不是数字。</translation>
    </message>
    <message>
        <source>{cause}.</source>
        <translation>{cause}。</translation>
    </message>
    <message>
        <source>It is deleted when the program starts the next time, if it may be.</source>
        <translation>如果允许，下次启动程序时会将其删除。</translation>
    </message>
    <message>
        <source>{name} cannot be unpacked: {cause}.</source>
        <translation>{name} 无法解压：{cause}。</translation>
    </message>
    <message>
        <source>Try again: it was deleted and will be fetched anew.</source>
        <translation>请重试：它已被删除，将重新下载。</translation>
    </message>
    <message>
        <source>{folder} cannot be written: {reason}.</source>
        <translation>无法写入 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>Check the rights and the free space there, or close other windows of the program.</source>
        <translation>请检查该处的权限和剩余空间，或关闭本程序的其他窗口。</translation>
    </message>
    <message>
        <source>There is no GPU support for {system} with Python {python}.</source>
        <translation>没有适用于 {system} 和 Python {python} 的 GPU 支持。</translation>
    </message>
    <message>
        <source>The program works on the CPU; a GPU needs Linux or Windows and Python 3.11 to 3.13.</source>
        <translation>程序可在 CPU 上运行；使用 GPU 需要 Linux 或 Windows 以及 Python 3.11 至 3.13。</translation>
    </message>
    <message>
        <source>{n} kernels in {m} comparisons</source>
        <translation>{m} 项对比中的 {n} 个内核</translation>
    </message>
    <message>
        <source>{format}: weights</source>
        <translation>{format}：权重</translation>
    </message>
    <message>
        <source>{format}: products of {n} and {m} rows</source>
        <translation>{format}：{n} 行与 {m} 行的乘积</translation>
    </message>
    <message>
        <source>{format}: query, key and value</source>
        <translation>{format}：查询、键和值</translation>
    </message>
    <message>
        <source>{format}: embedding of tokens</source>
        <translation>{format}：词元嵌入</translation>
    </message>
    <message>
        <source>Query, key and value of different formats</source>
        <translation>不同格式的查询、键和值</translation>
    </message>
    <message>
        <source>Layer normalization</source>
        <translation>层归一化</translation>
    </message>
    <message>
        <source>Layer normalization, as halves</source>
        <translation>层归一化（半精度）</translation>
    </message>
    <message>
        <source>Columns of the convolutions, positions</source>
        <translation>卷积的列与位置</translation>
    </message>
    <message>
        <source>Attention of the encoder</source>
        <translation>编码器的注意力</translation>
    </message>
    <message>
        <source>Keys and values of a prompt in the cache</source>
        <translation>提示在缓存中的键和值</translation>
    </message>
    <message>
        <source>Attention of a prompt to itself and its window</source>
        <translation>提示对自身及其窗口的注意力</translation>
    </message>
    <message>
        <source>Attention of a step to what was said</source>
        <translation>单步对已说内容的注意力</translation>
    </message>
    <message>
        <source>Attention for the times of words</source>
        <translation>用于单词时间的注意力</translation>
    </message>
    <message>
        <source>Attention of a step to its window</source>
        <translation>单步对其窗口的注意力</translation>
    </message>
    <message>
        <source>Attention of five beams to their window</source>
        <translation>五个束对其窗口的注意力</translation>
    </message>
    <message>
        <source>Spectrogram</source>
        <translation>频谱图</translation>
    </message>
    <message>
        <source>A captured graph against single launches</source>
        <translation>捕获的图与逐个启动对比</translation>
    </message>
    <message>
        <source>Two streams against one</source>
        <translation>两个流与一个流对比</translation>
    </message>
    <message>
        <source>differs by {got}, at most {bound}</source>
        <translation>偏差 {got}，上限 {bound}</translation>
    </message>
    <message>
        <source>equal, bit by bit</source>
        <translation>逐位相等</translation>
    </message>
    <message>
        <source>{device} failed: {cause} The CPU goes on with what was left; start the program again to use the GPU.</source>
        <translation>{device} 发生故障：{cause}其余部分由 CPU 继续处理；要使用 GPU，请重新启动程序。</translation>
    </message>
    <message>
        <source>The GPU engine has no kernels for compute capability {got}.</source>
        <translation>GPU 引擎没有适用于计算能力 {got} 的内核。</translation>
    </message>
    <message>
        <source>Choose the device cpu, or another GPU.</source>
        <translation>请选择设备 cpu 或另一块 GPU。</translation>
    </message>
    <message>
        <source>The CUDA compiler (NVRTC) is not installed.</source>
        <translation>未安装 CUDA 编译器（NVRTC）。</translation>
    </message>
    <message>
        <source>Install it with &quot;pip install nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-runtime==13.0.96&quot;.</source>
        <translation>请用“pip install nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-runtime==13.0.96”安装。</translation>
    </message>
    <message>
        <source>{name} does not compile for {architecture}: {log}.</source>
        <translation>{name} 无法为 {architecture} 编译：{log}</translation>
    </message>
    <message>
        <source>Please report it.</source>
        <translation>请报告此问题。</translation>
    </message>
    <message>
        <source>The CUDA compiler failed: {reason}.</source>
        <translation>CUDA 编译器出错：{reason}。</translation>
    </message>
    <message>
        <source>Time in each kernel</source>
        <translation>各内核耗时</translation>
    </message>
    <message>
        <source>The same tokens without captured graphs</source>
        <translation>不用捕获的图时词元相同</translation>
    </message>
    <message>
        <source>only the CPU was asked for</source>
        <translation>只要求测试 CPU</translation>
    </message>
    <message>
        <source>A GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>it was not measured</source>
        <translation>未测量</translation>
    </message>
    <message>
        <source>“{text}”, {seconds} s, {device}</source>
        <translation>“{text}”，{seconds} 秒，{device}</translation>
    </message>
    <message>
        <source>A recording on the CPU</source>
        <translation>在 CPU 上转写录音</translation>
    </message>
    <message>
        <source>More memory than there is</source>
        <translation>超过可用显存的请求</translation>
    </message>
    <message>
        <source>it was given: it is not the GPU&apos;s own memory</source>
        <translation>请求竟被满足：那不是 GPU 自身的显存</translation>
    </message>
    <message>
        <source>A recording on the GPU</source>
        <translation>在 GPU 上转写录音</translation>
    </message>
    <message>
        <source>again</source>
        <translation>再次</translation>
    </message>
    <message>
        <source>{first} MB after the first, {last} MB after the last</source>
        <translation>第一次后 {first} MB，最后一次后 {last} MB</translation>
    </message>
    <message>
        <source>Memory after ten runs</source>
        <translation>运行十次后的显存</translation>
    </message>
    <message>
        <source>{n} tokens</source>
        <translation>{n} 个词元</translation>
    </message>
    <message>
        <source>{ms} ms in {n} kernels, most in {kernel}; {used} MB of memory</source>
        <translation>{n} 个内核共用 {ms} 毫秒，最多的是 {kernel}；占用 {used} MB 显存</translation>
    </message>
    <message>
        <source>The GPU works</source>
        <translation>GPU 工作正常</translation>
    </message>
    <message>
        <source>{cause}. {remedy}</source>
        <translation>{cause}。{remedy}</translation>
    </message>
    <message>
        <source>Kernels against the golden standard</source>
        <translation>内核与标准结果对比</translation>
    </message>
    <message>
        <source>there is no GPU to use</source>
        <translation>没有可用的 GPU</translation>
    </message>
    <message>
        <source>Use {gaps} and what names of files may hold.</source>
        <translation>可以使用 {gaps} 以及文件名允许的字符。</translation>
    </message>
    <message>
        <source>A brace in the pattern stands alone.</source>
        <translation>名称模式中有不成对的花括号。</translation>
    </message>
    <message>
        <source>The pattern has no gap {gap}.</source>
        <translation>名称模式不支持 {gap}。</translation>
    </message>
    <message>
        <source>Names of files may not hold {character}.</source>
        <translation>文件名不能包含 {character}。</translation>
    </message>
    <message>
        <source>The list of recordings in {path} cannot be used: {reason}.</source>
        <translation>无法使用录音列表 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Make room on the disk and allow writing there; a damaged file may be moved away.</source>
        <translation>请腾出磁盘空间并允许写入；损坏的文件可以移走。</translation>
    </message>
    <message>
        <source>The list of recordings in {path} is of a newer version of this program.</source>
        <translation>录音列表 {path} 来自本程序的更新版本。</translation>
    </message>
    <message>
        <source>Use that version, or move the file away.</source>
        <translation>请使用该版本，或将该文件移走。</translation>
    </message>
    <message>
        <source>The list of recordings and their texts cannot be written: {reason}.</source>
        <translation>无法写入录音列表及其文字：{reason}。</translation>
    </message>
    <message>
        <source>Make room on the disk; it is tried again and again. Until then, save texts yourself.</source>
        <translation>请腾出磁盘空间，程序会不断重试；在此之前请自行保存文字。</translation>
    </message>
    <message>
        <source>The file has changed since it was begun: it is transcribed from its beginning.</source>
        <translation>文件在开始转写后已更改：将从头转写。</translation>
    </message>
    <message>
        <source>The clips {times} are not in order of time.</source>
        <translation>片段 {times} 未按时间顺序排列。</translation>
    </message>
    <message>
        <source>Give start, end, start, end, ... in seconds, each later than the one before.</source>
        <translation>请以秒为单位给出起点、终点、起点、终点……，每个都晚于前一个。</translation>
    </message>
    <message>
        <source>A library for PDF files is missing: {cause}.</source>
        <translation>缺少生成 PDF 文件所需的库：{cause}。</translation>
    </message>
    <message>
        <source>Install the system libraries that the window needs too, or choose another format.</source>
        <translation>请安装窗口程序所需的系统库，或选择其他格式。</translation>
    </message>
    <message>
        <source>No font on this system has the letters {letters}.</source>
        <translation>本系统没有包含这些字符的字体：{letters}。</translation>
    </message>
    <message>
        <source>Install a font for them, on Linux fonts-noto or fonts-noto-cjk, or choose another format.</source>
        <translation>请安装相应的字体（Linux 上为 fonts-noto 或 fonts-noto-cjk），或选择其他格式。</translation>
    </message>
    <message>
        <source>The sound device cannot be used: {reason}.</source>
        <translation>无法使用声音设备：{reason}。</translation>
    </message>
    <message>
        <source>Nothing can be heard: the sound device is gone.</source>
        <translation>听不到声音：声音设备已断开。</translation>
    </message>
    <message>
        <source>Nothing can be heard: the sound device does not answer.</source>
        <translation>听不到声音：声音设备没有响应。</translation>
    </message>
    <message>
        <source>Nothing can be heard: no loudspeakers or headphones were found.</source>
        <translation>听不到声音：未找到扬声器或耳机。</translation>
    </message>
    <message>
        <source>Connect loudspeakers or headphones, check that they are switched on in the system, and try again.</source>
        <translation>请连接扬声器或耳机，检查其在系统中已启用，然后重试。</translation>
    </message>
    <message>
        <source>Nothing can be heard: the PortAudio library is not installed.</source>
        <translation>听不到声音：未安装 PortAudio 库。</translation>
    </message>
    <message>
        <source>On Debian and Ubuntu: install the package libportaudio2, then start the program again.</source>
        <translation>在 Debian 和 Ubuntu 上：安装软件包 libportaudio2，然后重新启动程序。</translation>
    </message>
    <message>
        <source>{name} cannot be heard: {reason}.</source>
        <translation>无法监听 {name}：{reason}。</translation>
    </message>
    <message>
        <source>See that it is connected, and that the system allows this program to use it.</source>
        <translation>请检查其已连接，并且系统允许本程序使用它。</translation>
    </message>
    <message>
        <source>There is no input {name}: {reason}.</source>
        <translation>没有名为 {name} 的输入设备：{reason}。</translation>
    </message>
    <message>
        <source>Name one of: {names}.</source>
        <translation>请指定以下之一：{names}。</translation>
    </message>
    <message>
        <source>No microphone can be heard: {reason}.</source>
        <translation>无法使用麦克风：{reason}。</translation>
    </message>
    <message>
        <source>Connect one, see that it is switched on, and that the system allows its use.</source>
        <translation>请连接麦克风，确认其已开启并且系统允许使用。</translation>
    </message>
    <message>
        <source>Several inputs are named like {name}.</source>
        <translation>有多个输入的名称与“{name}”相符。</translation>
    </message>
    <message>
        <source>What the computer plays cannot be heard on this system yet.</source>
        <translation>此系统尚不支持录制电脑播放的声音。</translation>
    </message>
    <message>
        <source>Use a virtual audio cable, and name it with --input.</source>
        <translation>请使用虚拟声卡，并用 --input 指定它。</translation>
    </message>
    <message>
        <source>This desktop lets no program have a hotkey.</source>
        <translation>此桌面不允许程序使用全局快捷键。</translation>
    </message>
    <message>
        <source>Give a shortcut of the desktop this command: whisperdesktop --toggle-dictation.</source>
        <translation>请在桌面设置里为一个快捷键指定此命令：whisperdesktop --toggle-dictation。</translation>
    </message>
    <message>
        <source>No program has the keyboard.</source>
        <translation>没有程序拥有键盘焦点。</translation>
    </message>
    <message>
        <source>Another program used the clipboard at the same moment.</source>
        <translation>另一个程序同时使用了剪贴板。</translation>
    </message>
    <message>
        <source>The program did not take the text.</source>
        <translation>该程序没有接收文字。</translation>
    </message>
    <message>
        <source>The text could not be put in.</source>
        <translation>文字无法插入。</translation>
    </message>
    <message>
        <source>macOS does not let this program see or press keys.</source>
        <translation>macOS 不允许本程序读取或发送按键。</translation>
    </message>
    <message>
        <source>Allow it in the system&apos;s settings: Privacy &amp; Security, Accessibility.</source>
        <translation>请在系统设置的“隐私与安全性”中的“辅助功能”里允许。</translation>
    </message>
    <message>
        <source>This keyboard has no key {key}.</source>
        <translation>此键盘没有 {key} 键。</translation>
    </message>
    <message>
        <source>Choose other keys for pasting in the settings of dictation.</source>
        <translation>请在听写设置中选择其他粘贴键。</translation>
    </message>
    <message>
        <source>Choose another hotkey in the settings of dictation.</source>
        <translation>请在听写设置中选择其他快捷键。</translation>
    </message>
    <message>
        <source>The desktop, or you, did not allow it.</source>
        <translation>桌面或您未允许此操作。</translation>
    </message>
    <message>
        <source>Allow it when the desktop asks, or in its settings.</source>
        <translation>请在桌面询问时允许，或在其设置中允许。</translation>
    </message>
    <message>
        <source>The desktop&apos;s portal does not answer: {reason}.</source>
        <translation>桌面门户没有响应：{reason}。</translation>
    </message>
    <message>
        <source>The desktop&apos;s portal is gone, and the hotkey with it.</source>
        <translation>桌面门户已断开，快捷键随之失效。</translation>
    </message>
    <message>
        <source>Start the program again.</source>
        <translation>请重新启动本程序。</translation>
    </message>
    <message>
        <source>The desktop takes no key {key} from programs.</source>
        <translation>桌面不接受程序发送的 {key} 键。</translation>
    </message>
    <message>
        <source>The text is typed instead.</source>
        <translation>文字改为逐字键入。</translation>
    </message>
    <message>
        <source>On this system text only gets to the clipboard, and there is no hotkey.</source>
        <translation>在此系统上，文字只会放到剪贴板，也没有全局快捷键。</translation>
    </message>
    <message>
        <source>On Wayland the desktop asks whether this program may have a hotkey and press keys, and text is typed. This has not been tried on a real desktop yet. What cannot be put in stands in the list of recordings.</source>
        <translation>在 Wayland 上，桌面会询问是否允许本程序使用快捷键和发送按键，文字以逐字键入的方式插入。此功能尚未在真实桌面上试用。无法插入的文字可在录音列表中找到。</translation>
    </message>
    <message>
        <source>On Windows dictation into other programs has not been tried yet: please tell what does not work.</source>
        <translation>在 Windows 上，向其他程序听写的功能尚未试用：如有问题，请告诉我们。</translation>
    </message>
    <message>
        <source>On macOS dictation into other programs has not been tried yet: please tell what does not work. It needs the permission “Accessibility” in the system&apos;s settings, under privacy.</source>
        <translation>在 macOS 上，向其他程序听写的功能尚未试用：如有问题，请告诉我们。它需要系统设置“隐私”中的“辅助功能”权限。</translation>
    </message>
    <message>
        <source>Choose other keys for pasting in the settings of dictation: Shift+Ins, for example.</source>
        <translation>请在听写设置中选择其他粘贴键，例如 Shift+Ins。</translation>
    </message>
    <message>
        <source>Windows lets no key through to the program in front.</source>
        <translation>Windows 不允许向前台程序发送按键。</translation>
    </message>
    <message>
        <source>Programs run as administrator take keys only from such.</source>
        <translation>以管理员身份运行的程序只接受同样身份的程序发送的按键。</translation>
    </message>
    <message>
        <source>Another program has the hotkey {keys}.</source>
        <translation>快捷键 {keys} 已被其他程序占用。</translation>
    </message>
    <message>
        <source>Choose another hotkey, or give that program another one.</source>
        <translation>请选择其他快捷键，或更改那个程序的快捷键。</translation>
    </message>
    <message>
        <source>There is more on the clipboard than can be kept: over {n} MB.</source>
        <translation>剪贴板内容过大，无法保留：超过 {n} MB。</translation>
    </message>
    <message>
        <source>The program that filled the clipboard does not answer.</source>
        <translation>提供剪贴板内容的程序没有响应。</translation>
    </message>
    <message>
        <source>The X server is gone, and the hotkey with it.</source>
        <translation>X 服务器已断开，快捷键随之失效。</translation>
    </message>
    <message>
        <source>The X server cannot be reached: {reason}.</source>
        <translation>无法连接 X 服务器：{reason}。</translation>
    </message>
    <message>
        <source>Start the program in a session of X11.</source>
        <translation>请在 X11 会话中启动本程序。</translation>
    </message>
    <message>
        <source>The X server lacks the extension XTEST.</source>
        <translation>X 服务器缺少 XTEST 扩展。</translation>
    </message>
    <message>
        <source>Choose “Clipboard only” in the settings of dictation, and paste by yourself.</source>
        <translation>请在听写设置中选择“仅剪贴板”，然后自行粘贴。</translation>
    </message>
    <message>
        <source>Every key of this keyboard has a meaning: none is free for other characters.</source>
        <translation>此键盘的每个键都已有含义，没有空闲的键可用于其他字符。</translation>
    </message>
    <message>
        <source>Let the text be pasted instead, in the settings of dictation.</source>
        <translation>请在听写设置中改为粘贴文字。</translation>
    </message>
    <message>
        <source>{cause} {remedy}</source>
        <translation>{cause}{remedy}</translation>
    </message>
    <message>
        <source>The microphone</source>
        <translation>麦克风</translation>
    </message>
    <message>
        <source>{name} is not there.</source>
        <translation>{name}不在。</translation>
    </message>
    <message>
        <source>Connect it: it is listened to as soon as it is there. What was heard so far is kept.</source>
        <translation>请连接它：一连上就会继续收听。此前听到的内容已保存。</translation>
    </message>
    <message>
        <source>{name} gives nothing: the sound system does not answer.</source>
        <translation>{name}没有声音：声音系统没有响应。</translation>
    </message>
    <message>
        <source>It goes on by itself when the sound system does. What was heard so far is kept.</source>
        <translation>声音系统恢复后会自动继续。此前听到的内容已保存。</translation>
    </message>
    <message>
        <source>{name} is suspended by the sound system.</source>
        <translation>{name}已被声音系统挂起。</translation>
    </message>
    <message>
        <source>Wake it in the system&apos;s sound settings, or unplug it and connect it again.</source>
        <translation>请在系统的声音设置中唤醒它，或拔下后重新连接。</translation>
    </message>
    <message>
        <source>{name} is muted.</source>
        <translation>{name}已静音。</translation>
    </message>
    <message>
        <source>Switch it on in the system&apos;s sound settings, or by the key or switch that mutes it.</source>
        <translation>请在系统的声音设置中，或用静音键或开关打开它。</translation>
    </message>
    <message>
        <source>{name} gives no sound at all, not even noise.</source>
        <translation>{name}完全没有声音，连噪声也没有。</translation>
    </message>
    <message>
        <source>Look for a switch on it that mutes it, or choose another microphone.</source>
        <translation>请检查它上面的静音开关，或选择其他麦克风。</translation>
    </message>
    <message>
        <source>{name} runs at another speed than it says; that has been put right.</source>
        <translation>{name}的实际采样率与其标称不符，已自动校正。</translation>
    </message>
    <message>
        <source>Nothing has to be done.</source>
        <translation>无需任何操作。</translation>
    </message>
    <message>
        <source>The model chosen for it cannot be used. {cause}</source>
        <translation>为其选择的模型无法使用。{cause}</translation>
    </message>
    <message>
        <source>Choose another model for it, or transcribe it again with the one in use.</source>
        <translation>请为其选择另一个模型，或用正在使用的模型重新转写。</translation>
    </message>
    <message>
        <source>Choice of tokens by the rules</source>
        <translation>按规则选择词元</translation>
    </message>
    <message>
        <source>Log-probabilities of chosen tokens</source>
        <translation>所选词元的对数概率</translation>
    </message>
    <message>
        <source>Draws of tokens at a temperature</source>
        <translation>按温度抽取词元</translation>
    </message>
    <message>
        <source>Candidates of beams</source>
        <translation>束的候选词元</translation>
    </message>
    <message>
        <source>Log-probabilities of candidates</source>
        <translation>候选词元的对数概率</translation>
    </message>
    <message>
        <source>Beams that go on from others</source>
        <translation>从其他束继续的束</translation>
    </message>
    <message>
        <source>Log-probabilities of all tokens</source>
        <translation>所有词元的对数概率</translation>
    </message>
    <message>
        <source>Speed beside the CPU</source>
        <translation>与 CPU 相比的速度</translation>
    </message>
    <message>
        <source>Speed beside whisper.cpp</source>
        <translation>与 whisper.cpp 相比的速度</translation>
    </message>
    <message>
        <source>{ratio} times as fast: {gpu} s, the CPU {cpu} s (at least {hoped} hoped for)</source>
        <translation>速度为 {ratio} 倍：{gpu} 秒，CPU {cpu} 秒（期望至少 {hoped} 倍）</translation>
    </message>
    <message>
        <source>only {ratio} times as fast: {gpu} s, the CPU {cpu} s ({hoped} hoped for)</source>
        <translation>速度仅为 {ratio} 倍：{gpu} 秒，CPU {cpu} 秒（期望 {hoped} 倍）</translation>
    </message>
    <message>
        <source>{ratio} times as fast: {gpu} s, there {peer} s ({version})</source>
        <translation>速度为 {ratio} 倍：{gpu} 秒，对方 {peer} 秒（{version}）</translation>
    </message>
    <message>
        <source>whisper.cpp is not installed: not compared</source>
        <translation>未安装 whisper.cpp：未作比较</translation>
    </message>
    <message>
        <source>whisper.cpp reads only ggml&apos;s .bin files: not compared</source>
        <translation>whisper.cpp 只能读取 ggml 的 .bin 文件：未作比较</translation>
    </message>
    <message>
        <source>whisper.cpp: {cause}</source>
        <translation>whisper.cpp：{cause}</translation>
    </message>
    <message>
        <source>whisper.cpp ended by itself (exit code {code})</source>
        <translation>whisper.cpp 自行结束（退出代码 {code}）</translation>
    </message>
</context>
<context>
    <name>About</name>
    <message>
        <source>Speech to text on your own machine. Nothing you transcribe leaves this computer.

Version {version}
Log file: {log}</source>
        <translation>在您自己的电脑上把语音转成文字。您转写的任何内容都不会离开这台电脑。

版本 {version}
日志文件：{log}</translation>
    </message>
</context>
<context>
    <name>Again</name>
    <message>
        <source>Cancelled: the text is as it was</source>
        <translation>已取消：文本保持原样</translation>
    </message>
    <message>
        <source>Nothing was heard in the selection: the text is as it was</source>
        <translation>所选部分没有听到语音：文本保持原样</translation>
    </message>
    <message>
        <source>The selection was transcribed again: {name}</source>
        <translation>已重新转写所选部分：{name}</translation>
    </message>
    <message>
        <source>Undo ({key}) brings the text back that was there.</source>
        <translation>撤销 ({key}) 可恢复原来的文本。</translation>
    </message>
    <message>
        <source>The segments that were transcribed again are not there any more</source>
        <translation>重新转写的片段已不存在</translation>
    </message>
    <message>
        <source>Nothing was changed. The new text can be copied.</source>
        <translation>未作任何更改。可以复制新文本。</translation>
    </message>
    <message>
        <source>Copy the new text</source>
        <translation>复制新文本</translation>
    </message>
</context>
<context>
    <name>AgainBar</name>
    <message>
        <source>{name}, {start} to {end}: waits for its turn to be transcribed again</source>
        <translation>{name}，{start} 到 {end}：正在等待重新转写</translation>
    </message>
    <message>
        <source>{name}, {start} to {end}: is transcribed again</source>
        <translation>{name}，{start} 到 {end}：正在重新转写</translation>
    </message>
    <message>
        <source>Progress of the selection</source>
        <translation>所选部分的进度</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel transcribing the selection</source>
        <translation>取消转写所选部分</translation>
    </message>
    <message>
        <source>Stop it; the text stays as it is</source>
        <translation>停止；文本保持不变</translation>
    </message>
</context>
<context>
    <name>AgainDialog</name>
    <message>
        <source>Transcribe the selection again</source>
        <translation>重新转写所选部分</translation>
    </message>
    <message>
        <source>From {start} to {end}</source>
        <translation>从 {start} 到 {end}</translation>
    </message>
    <message>
        <source>The new text replaces what is selected. That can be undone.</source>
        <translation>新文本将替换所选内容。此操作可以撤销。</translation>
    </message>
    <message>
        <source>The one in use ({name})</source>
        <translation>正在使用的模型（{name}）</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>Another one is loaded for this selection only; afterwards the one in use is loaded again.</source>
        <translation>其他模型只为此选区加载；之后会重新加载正在使用的模型。</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>The language spoken in the selection</source>
        <translation>所选部分所说的语言</translation>
    </message>
    <message>
        <source>&amp;Transcribe</source>
        <translation>转写(&amp;T)</translation>
    </message>
    <message>
        <source>It begins when what runs now is done</source>
        <translation>当前任务完成后开始</translation>
    </message>
</context>
<context>
    <name>AnywhereDesk</name>
    <message>
        <source>It goes on here. “Quit” in this icon&apos;s menu ends it.</source>
        <translation>程序在此继续运行。用此图标菜单中的“退出”来结束。</translation>
    </message>
    <message>
        <source>{why} The text is on the clipboard: paste it where you want it.</source>
        <translation>{why}文字已在剪贴板上：请粘贴到需要的位置。</translation>
    </message>
    <message>
        <source>Dictation</source>
        <translation>听写</translation>
    </message>
</context>
<context>
    <name>Completion</name>
    <message>
        <source>The text is done</source>
        <translation>文本已完成</translation>
    </message>
    <message>
        <source>The recording could not be transcribed</source>
        <translation>该录音无法转写</translation>
    </message>
    <message>
        <source>All recordings are through</source>
        <translation>所有录音已处理完毕</translation>
    </message>
    <message>
        <source>Done: {n_done} · failed: {n_failed}</source>
        <translation>完成 {n_done} 个 · 失败 {n_failed} 个</translation>
    </message>
    <message>
        <source>Done: {n_done}</source>
        <translation>完成 {n_done} 个</translation>
    </message>
    <message>
        <source>Notifications are on</source>
        <translation>通知已开启</translation>
    </message>
    <message>
        <source>You are told here when all is done.</source>
        <translation>全部完成时会在这里通知您。</translation>
    </message>
</context>
<context>
    <name>ConvertDialog</name>
    <message>
        <source>That is the model itself: choose another name or type.</source>
        <translation>这就是该模型本身：请选择其他名称或类型。</translation>
    </message>
    <message>
        <source>Quantize a model</source>
        <translation>量化模型</translation>
    </message>
    <message>
        <source>Import a model</source>
        <translation>导入模型</translation>
    </message>
    <message>
        <source>&amp;Model:</source>
        <translation>模型(&amp;M)：</translation>
    </message>
    <message>
        <source>&amp;Type of the weights:</source>
        <translation>权重类型(&amp;T)：</translation>
    </message>
    <message>
        <source>File &amp;format:</source>
        <translation>文件格式(&amp;F)：</translation>
    </message>
    <message>
        <source>&amp;Save as:</source>
        <translation>保存为(&amp;S)：</translation>
    </message>
    <message>
        <source>As it is (F16 where it is not quantized)</source>
        <translation>保持原样（未量化的为 F16）</translation>
    </message>
    <message>
        <source>ggml, .bin (whisper.cpp reads it too)</source>
        <translation>ggml，.bin（whisper.cpp 也能读取）</translation>
    </message>
    <message>
        <source>GGUF, .gguf</source>
        <translation>GGUF，.gguf</translation>
    </message>
    <message>
        <source>File…</source>
        <translation>文件…</translation>
    </message>
    <message>
        <source>Folder…</source>
        <translation>文件夹…</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Quantize</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>Import</source>
        <translation>导入</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>The file or folder with the model; it is not changed</source>
        <translation>模型所在的文件或文件夹；不会被更改</translation>
    </message>
    <message>
        <source>Pick the model&apos;s file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <source>Pick the folder that the model lies in</source>
        <translation>选择模型所在的文件夹</translation>
    </message>
    <message>
        <source>How the weights are stored: smaller types make more mistakes</source>
        <translation>权重的存储方式：类型越小，错误越多</translation>
    </message>
    <message>
        <source>Which container the weights are written to</source>
        <translation>权重写入哪种容器格式</translation>
    </message>
    <message>
        <source>The file that is written</source>
        <translation>要写入的文件</translation>
    </message>
    <message>
        <source>Pick the folder and the name</source>
        <translation>选择文件夹和名称</translation>
    </message>
    <message>
        <source>Starts writing; the window can be used meanwhile</source>
        <translation>开始写入；期间可继续使用窗口</translation>
    </message>
    <message>
        <source>Closes this dialog; nothing is written</source>
        <translation>关闭此对话框；不写入任何内容</translation>
    </message>
    <message>
        <source>Writes the model with smaller weights to a file of its own. Quantizing what is quantized already loses more than quantizing the original.</source>
        <translation>将模型以更小的权重另存为一个文件。对已量化的模型再次量化，损失会大于量化原始模型。</translation>
    </message>
    <message>
        <source>Turns another program&apos;s model into one file: OpenAI&apos;s .pt, a Hugging Face or faster-whisper folder, ggml or GGUF. It is told by its content; the original stays as it is, and no code in it is run.</source>
        <translation>将其他程序的模型转换为单个文件：OpenAI 的 .pt、Hugging Face 或 faster-whisper 文件夹、ggml 或 GGUF。格式按内容识别；原文件保持不变，其中的代码不会被运行。</translation>
    </message>
</context>
<context>
    <name>Dialogs</name>
    <message>
        <source>Add recordings</source>
        <translation>添加录音</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Audio and video files</source>
        <translation>音频和视频文件</translation>
    </message>
    <message>
        <source>Add a folder of recordings</source>
        <translation>添加录音文件夹</translation>
    </message>
    <message>
        <source>Choose a folder for texts</source>
        <translation>选择保存文字的文件夹</translation>
    </message>
    <message>
        <source>Choose a folder to watch</source>
        <translation>选择要监视的文件夹</translation>
    </message>
    <message>
        <source>Add a folder of models</source>
        <translation>添加模型文件夹</translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <source>Whisper models</source>
        <translation>Whisper 模型</translation>
    </message>
    <message>
        <source>Choose a file of certificates</source>
        <translation>选择证书文件</translation>
    </message>
    <message>
        <source>Certificates</source>
        <translation>证书</translation>
    </message>
    <message>
        <source>Choose a model to import</source>
        <translation>选择要导入的模型</translation>
    </message>
    <message>
        <source>Save model as</source>
        <translation>模型另存为</translation>
    </message>
    <message>
        <source>Save transcript</source>
        <translation>保存文稿</translation>
    </message>
    <message>
        <source>Save report</source>
        <translation>保存报告</translation>
    </message>
    <message>
        <source>Text files</source>
        <translation>文本文件</translation>
    </message>
    <message>
        <source>Append dictations to</source>
        <translation>将听写内容追加到</translation>
    </message>
    <message>
        <source>Please confirm</source>
        <translation>请确认</translation>
    </message>
    <message>
        <source>Folder:</source>
        <translation>文件夹：</translation>
    </message>
    <message>
        <source>File &amp;name:</source>
        <translation>文件名(&amp;N)：</translation>
    </message>
    <message>
        <source>Files of type:</source>
        <translation>文件类型：</translation>
    </message>
</context>
<context>
    <name>Dictation</name>
    <message>
        <source>Dictation {date}</source>
        <translation>听写 {date}</translation>
    </message>
    <message>
        <source> [{seconds} s of sound are missing]</source>
        <translation> [缺少 {seconds} 秒声音]</translation>
    </message>
</context>
<context>
    <name>DictationDesk</name>
    <message>
        <source>Its words are in the list up to {time}; the rest can be had from its sound.</source>
        <translation>到 {time} 为止的文字在列表中；其余部分可由声音转写得到。</translation>
    </message>
    <message>
        <source>The program ended in the middle of a dictation</source>
        <translation>程序在听写过程中意外结束</translation>
    </message>
    <message>
        <source>Transcribe the rest</source>
        <translation>转写其余部分</translation>
    </message>
    <message>
        <source>A dictation goes on.</source>
        <translation>正在听写。</translation>
    </message>
    <message>
        <source>If you quit now, its words and its sound stay; the rest is offered at the next start.</source>
        <translation>如果现在退出，文字和声音都会保留；下次启动时可继续转写其余部分。</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Keep working</source>
        <translation>继续工作</translation>
    </message>
    <message>
        <source>Dictate</source>
        <translation>听写</translation>
    </message>
    <message>
        <source>Dictating {time}</source>
        <translation>听写中 {time}</translation>
    </message>
    <message>
        <source>Speak, and see it written</source>
        <translation>说话，即见文字</translation>
    </message>
</context>
<context>
    <name>DictationLights</name>
    <message>
        <source>Voice</source>
        <translation>人声</translation>
    </message>
    <message>
        <source>Somebody is heard speaking</source>
        <translation>听到有人说话</translation>
    </message>
    <message>
        <source>Nobody is heard speaking</source>
        <translation>没有听到有人说话</translation>
    </message>
    <message>
        <source>Transcribing</source>
        <translation>转写</translation>
    </message>
    <message>
        <source>Words are being worked out</source>
        <translation>正在识别词语</translation>
    </message>
    <message>
        <source>There are no words to be worked out</source>
        <translation>没有需要识别的词语</translation>
    </message>
    <message>
        <source>Stalled</source>
        <translation>停滞</translation>
    </message>
    <message>
        <source>Nothing comes from the microphone</source>
        <translation>麦克风没有声音传来</translation>
    </message>
    <message>
        <source>The microphone gives sound, or is not used</source>
        <translation>麦克风有声音，或未在使用</translation>
    </message>
</context>
<context>
    <name>DictationOverlay</name>
    <message>
        <source>Not put in</source>
        <translation>未插入</translation>
    </message>
    <message>
        <source>Nothing is heard</source>
        <translation>听不到声音</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Close this note</source>
        <translation>关闭此提示</translation>
    </message>
    <message>
        <source>Ends the dictation; what was said is still put in</source>
        <translation>结束听写；已说的内容仍会插入</translation>
    </message>
    <message>
        <source>Dictation</source>
        <translation>听写</translation>
    </message>
    <message>
        <source>Hearing you</source>
        <translation>正在听您说话</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>Listening</source>
        <translation>正在聆听</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Finishing…</source>
        <translation>正在收尾…</translation>
    </message>
    <message>
        <source>Putting in the text…</source>
        <translation>正在插入文字…</translation>
    </message>
    <message>
        <source>Speak now.</source>
        <translation>请讲话。</translation>
    </message>
</context>
<context>
    <name>DictationPage</name>
    <message>
        <source>Hotkey</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Works in every program: what you say is put in where its cursor is. Without one, nothing listens.</source>
        <translation>在任何程序中都有效：您说的话会插入到光标所在处。不设置快捷键，就不会聆听。</translation>
    </message>
    <message>
        <source>What it does</source>
        <translation>作用</translation>
    </message>
    <message>
        <source>A key that is held dictates until it is let go.</source>
        <translation>按住时一直听写，直到松开。</translation>
    </message>
    <message>
        <source>Putting in</source>
        <translation>插入方式</translation>
    </message>
    <message>
        <source>Pasting is exact, and the clipboard is what it was afterwards. Typed characters can get lost in slow programs.</source>
        <translation>粘贴准确无误，之后剪贴板恢复原样。逐字键入时，较慢的程序可能会丢失字符。</translation>
    </message>
    <message>
        <source>When</source>
        <translation>时机</translation>
    </message>
    <message>
        <source>Words that may still change are never put in, only shown.</source>
        <translation>仍可能变化的词只会显示，不会插入。</translation>
    </message>
    <message>
        <source>Spoken commands</source>
        <translation>语音命令</translation>
    </message>
    <message>
        <source>“New line”, “new paragraph” and “scratch that”; in Chinese 换行, 新段落, 删掉这句. With a short pause before or behind them.</source>
        <translation>换行、新段落、删掉这句；英语为 “new line”、“new paragraph” 和 “scratch that”。说的前后请稍作停顿。</translation>
    </message>
    <message>
        <source>Tidying</source>
        <translation>整理</translation>
    </message>
    <message>
        <source>Numbers as figures, spaces and marks where they belong, sentences with a capital letter.</source>
        <translation>数字写成阿拉伯数字，空格和标点各就其位，英文句首大写。</translation>
    </message>
    <message>
        <source>Space</source>
        <translation>空格</translation>
    </message>
    <message>
        <source>What is dictated next stands apart. Never in Chinese or Japanese.</source>
        <translation>使下一次听写的文字与之分开。中文和日文中从不添加。</translation>
    </message>
    <message>
        <source>Display</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>A small window above all others; it never takes the keyboard.</source>
        <translation>一个置顶的小窗口；它从不占用键盘。</translation>
    </message>
    <message>
        <source>Tray</source>
        <translation>托盘</translation>
    </message>
    <message>
        <source>This desktop has no tray for icons of programs.</source>
        <translation>此桌面没有放置程序图标的托盘。</translation>
    </message>
    <message>
        <source>Closing the window leaves the program running there, so that the hotkey goes on working.</source>
        <translation>关闭窗口后程序仍在托盘中运行，快捷键继续有效。</translation>
    </message>
    <message>
        <source>{keys} is needed for typing, in every program. Take it with Ctrl, Alt or Meta, or another key.</source>
        <translation>{keys} 在任何程序中都要用来输入。请与 Ctrl、Alt 或 Meta 组合使用，或选择其他键。</translation>
    </message>
    <message>
        <source>Tap: begin and end; hold: while it is down</source>
        <translation>轻按：开始和结束；按住：按住期间听写</translation>
    </message>
    <message>
        <source>Tap: begin and end</source>
        <translation>轻按：开始和结束</translation>
    </message>
    <message>
        <source>Only while it is down</source>
        <translation>仅在按住期间</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>逐字键入</translation>
    </message>
    <message>
        <source>Clipboard only, to paste yourself</source>
        <translation>仅剪贴板，自行粘贴</translation>
    </message>
    <message>
        <source>As soon as words are settled</source>
        <translation>词一确定就插入</translation>
    </message>
    <message>
        <source>At every pause</source>
        <translation>每次停顿时</translation>
    </message>
    <message>
        <source>At the end</source>
        <translation>结束时</translation>
    </message>
    <message>
        <source>Click here and press the keys</source>
        <translation>点击此处并按下按键</translation>
    </message>
    <message>
        <source>No hotkey</source>
        <translation>无快捷键</translation>
    </message>
    <message>
        <source>Nothing listens then</source>
        <translation>此时不会聆听</translation>
    </message>
    <message>
        <source>Obey them</source>
        <translation>执行语音命令</translation>
    </message>
    <message>
        <source>Tidy up what is said</source>
        <translation>整理所说的内容</translation>
    </message>
    <message>
        <source>A space behind each dictation</source>
        <translation>每次听写后加一个空格</translation>
    </message>
    <message>
        <source>Show what is heard</source>
        <translation>显示听到的内容</translation>
    </message>
    <message>
        <source>Icon in the tray</source>
        <translation>托盘图标</translation>
    </message>
    <message>
        <source>Your own words</source>
        <translation>您的用词</translation>
    </message>
    <message>
        <source>What is heard, and what is written for it: names, addresses, whole phrases. \n begins a new line; nothing written leaves the word out.</source>
        <translation>听到的内容及其对应的写法：姓名、地址、整句短语。\n 表示换行；写法留空则省略该词。</translation>
    </message>
    <message>
        <source>Heard</source>
        <translation>听到</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>写作</translation>
    </message>
    <message>
        <source>Add a word</source>
        <translation>添加词语</translation>
    </message>
    <message>
        <source>Programs of their own</source>
        <translation>特殊程序</translation>
    </message>
    <message>
        <source>Where pasting takes other keys: the name of the program, and keys such as Ctrl+Shift+V, or “type”, or “clipboard”. Usual terminals are known.</source>
        <translation>粘贴需要其他按键的程序：填写程序名称和按键（如 Ctrl+Shift+V），或 “type”（逐字键入），或 “clipboard”（仅剪贴板）。常见终端已内置。</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>按键</translation>
    </message>
    <message>
        <source>Add a program</source>
        <translation>添加程序</translation>
    </message>
</context>
<context>
    <name>DictationPanel</name>
    <message>
        <source>{name} (not connected)</source>
        <translation>{name}（未连接）</translation>
    </message>
    <message>
        <source>Detected: {language}</source>
        <translation>检测到：{language}</translation>
    </message>
    <message>
        <source>With the model in use</source>
        <translation>用当前模型</translation>
    </message>
    <message>
        <source>Finish</source>
        <translation>结束</translation>
    </message>
    <message>
        <source>Dictate</source>
        <translation>听写</translation>
    </message>
    <message>
        <source>Finishes what is being said, and ends</source>
        <translation>完成正在说的内容，然后结束</translation>
    </message>
    <message>
        <source>Listens, and writes what is said</source>
        <translation>收听，并写下所说的话</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>{seconds} s lost</source>
        <translation>丢失 {seconds} 秒</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>begins…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>finishing…</source>
        <translation>正在结束…</translation>
    </message>
    <message>
        <source>slow: words every {seconds} s</source>
        <translation>较慢：每 {seconds} 秒出词</translation>
    </message>
    <message>
        <source>{seconds} s behind</source>
        <translation>落后 {seconds} 秒</translation>
    </message>
    <message>
        <source>Choose a file…</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>Which file gets the text, below the date of the dictation</source>
        <translation>文字写入哪个文件，写在听写日期之下</translation>
    </message>
    <message>
        <source>Dictation</source>
        <translation>听写</translation>
    </message>
    <message>
        <source>Lets the microphone go, until you go on</source>
        <translation>释放麦克风，直到您继续</translation>
    </message>
    <message>
        <source>Level of the microphone</source>
        <translation>麦克风音量</translation>
    </message>
    <message>
        <source>How loud it is</source>
        <translation>声音有多大</translation>
    </message>
    <message>
        <source>How far the words are behind; a smaller model is faster</source>
        <translation>文字落后多少；较小的模型更快</translation>
    </message>
    <message>
        <source>Length of the sound so far, without pauses</source>
        <translation>到目前为止声音的长度，不含暂停</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>What is said</source>
        <translation>所说的内容</translation>
    </message>
    <message>
        <source>Grey and slanted: may still change</source>
        <translation>灰色斜体：可能还会改变</translation>
    </message>
    <message>
        <source>What you say appears here, word by word, and stays in the list of recordings.</source>
        <translation>您说的话会逐词出现在这里，并保留在录音列表中。</translation>
    </message>
    <message>
        <source>Listen to:</source>
        <translation>收听：</translation>
    </message>
    <message>
        <source>A microphone, or what the computer plays, such as a call</source>
        <translation>麦克风，或电脑播放的声音（例如通话）</translation>
    </message>
    <message>
        <source>Microphone:</source>
        <translation>麦克风：</translation>
    </message>
    <message>
        <source>Which one to listen to</source>
        <translation>收听哪一个</translation>
    </message>
    <message>
        <source>Language:</source>
        <translation>语言：</translation>
    </message>
    <message>
        <source>What is spoken; it can be changed while you speak</source>
        <translation>所说的语言；说话时也可以更改</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>丢弃</translation>
    </message>
    <message>
        <source>Ends, and forgets what was said, with its sound</source>
        <translation>结束，并丢弃所说的内容及其声音</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy all that was dictated</source>
        <translation>复制全部听写内容</translation>
    </message>
    <message>
        <source>Transcribe again</source>
        <translation>重新转写</translation>
    </message>
    <message>
        <source>The sound once more, perhaps with another model: a new recording in the list</source>
        <translation>再次转写这段声音，可换用其他模型：列表中会新增一条录音</translation>
    </message>
    <message>
        <source>Keep the sound</source>
        <translation>保留声音</translation>
    </message>
    <message>
        <source>To hear it, or transcribe it again; otherwise it goes when the text is complete</source>
        <translation>以便重听或重新转写；否则文字完成后即删除</translation>
    </message>
    <message>
        <source>Append to a file</source>
        <translation>追加到文件</translation>
    </message>
    <message>
        <source>Each text goes to the end of a file, too, below its date</source>
        <translation>每次的文字也会写到文件末尾，写在日期之下</translation>
    </message>
    <message>
        <source>Back to the recordings</source>
        <translation>返回录音列表</translation>
    </message>
    <message>
        <source>Look again which microphones there are</source>
        <translation>重新查找麦克风</translation>
    </message>
    <message>
        <source>The system&apos;s choice</source>
        <translation>系统默认</translation>
    </message>
    <message>
        <source>Microphone</source>
        <translation>麦克风</translation>
    </message>
    <message>
        <source>What the computer plays</source>
        <translation>电脑播放的声音</translation>
    </message>
</context>
<context>
    <name>DictationTray</name>
    <message>
        <source>End dictation</source>
        <translation>结束听写</translation>
    </message>
    <message>
        <source>Dictate</source>
        <translation>听写</translation>
    </message>
    <message>
        <source>Open the window</source>
        <translation>打开窗口</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>{app}: dictating</source>
        <translation>{app}：正在听写</translation>
    </message>
</context>
<context>
    <name>DropArea</name>
    <message>
        <source>Release to transcribe</source>
        <translation>松开鼠标即可转写</translation>
    </message>
    <message>
        <source>Drop recordings here</source>
        <translation>把录音拖放到这里</translation>
    </message>
    <message>
        <source>Audio and video files of any usual kind, or whole folders</source>
        <translation>支持各种常见的音频和视频文件，也可以是整个文件夹</translation>
    </message>
    <message>
        <source>Everything happens on this computer. Nothing is sent anywhere.</source>
        <translation>一切都在这台电脑上完成，不会发送任何数据。</translation>
    </message>
    <message>
        <source>Choose files…</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>Pick the audio and video files to transcribe</source>
        <translation>选择要转写的音频和视频文件</translation>
    </message>
    <message>
        <source>Choose a folder…</source>
        <translation>选择文件夹…</translation>
    </message>
    <message>
        <source>All recordings in a folder, and in the folders in it</source>
        <translation>一个文件夹及其子文件夹中的所有录音</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Segments: {n}</source>
        <translation>片段：{n}</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>查找</translation>
    </message>
    <message>
        <source>Replace with</source>
        <translation>替换为</translation>
    </message>
    <message>
        <source>Match &amp;case</source>
        <translation>区分大小写(&amp;C)</translation>
    </message>
    <message>
        <source>Previous</source>
        <translation>上一个</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>下一个</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>Replace all</source>
        <translation>全部替换</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>FoldersDialog</name>
    <message>
        <source>Folders of models</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>Models are looked for in these folders and in those below them, besides the places where other programs keep theirs.</source>
        <translation>除其他程序存放模型的位置外，还会在这些文件夹及其子文件夹中查找模型。</translation>
    </message>
    <message>
        <source>&amp;Add folder…</source>
        <translation>添加文件夹(&amp;A)…</translation>
    </message>
    <message>
        <source>Look for models in another folder, too</source>
        <translation>同时在另一个文件夹中查找模型</translation>
    </message>
    <message>
        <source>&amp;Remove from list</source>
        <translation>从列表移除(&amp;R)</translation>
    </message>
    <message>
        <source>The folder and its files stay as they are</source>
        <translation>文件夹及其中的文件保持原样</translation>
    </message>
    <message>
        <source>&amp;Open</source>
        <translation>打开(&amp;O)</translation>
    </message>
    <message>
        <source>Show the folder&apos;s files</source>
        <translation>显示文件夹中的文件</translation>
    </message>
    <message>
        <source>&amp;Close</source>
        <translation>关闭(&amp;C)</translation>
    </message>
    <message>
        <source>Closes this dialog; changes have been made already</source>
        <translation>关闭此对话框；更改已生效</translation>
    </message>
    <message>
        <source>Each with whether new models go there</source>
        <translation>每个文件夹及其是否存放新模型</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>downloads and imports</source>
        <translation>下载与导入</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>is not there</source>
        <translation>不存在</translation>
    </message>
    <message>
        <source>looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
</context>
<context>
    <name>Gpu</name>
    <message>
        <source>Looking for a GPU…</source>
        <translation>正在查找 GPU…</translation>
    </message>
    <message>
        <source>It has passed the self-test and is used.</source>
        <translation>它已通过自检，正在使用。</translation>
    </message>
    <message>
        <source>Run the self-test: a GPU that passes it is used from then on.</source>
        <translation>请运行自检：通过自检的 GPU 从此会被使用。</translation>
    </message>
    <message>
        <source>Enable GPU support: what is missing is fetched, tested, and used if it passes.</source>
        <translation>请启用 GPU 支持：缺少的部分会被下载并自检，通过后即会使用。</translation>
    </message>
    <message>
        <source>Until then the program works on the CPU.</source>
        <translation>在此之前，程序在 CPU 上工作。</translation>
    </message>
    <message>
        <source>has passed the self-test</source>
        <translation>已通过自检</translation>
    </message>
    <message>
        <source>has not passed the self-test</source>
        <translation>未通过自检</translation>
    </message>
    <message>
        <source>compute capability {capability}</source>
        <translation>计算能力 {capability}</translation>
    </message>
    <message>
        <source>Packages for the GPU</source>
        <translation>GPU 所需的软件包</translation>
    </message>
    <message>
        <source>&amp;Enable GPU support</source>
        <translation>启用 GPU 支持(&amp;E)</translation>
    </message>
    <message>
        <source>Res&amp;ume</source>
        <translation>继续(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>暂停(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Cancel the download</source>
        <translation>取消下载(&amp;C)</translation>
    </message>
    <message>
        <source>Fetches the packages, tests the GPU, and uses it if it passes</source>
        <translation>下载所需包，测试 GPU，通过后即启用</translation>
    </message>
    <message>
        <source>What has been fetched stays</source>
        <translation>已下载的部分会保留</translation>
    </message>
    <message>
        <source>Stops, and deletes what has been fetched</source>
        <translation>停止并删除已下载的部分</translation>
    </message>
    <message>
        <source>Re&amp;move</source>
        <translation>移除(&amp;M)</translation>
    </message>
    <message>
        <source>Deletes what was fetched for the GPU</source>
        <translation>删除为 GPU 下载的内容</translation>
    </message>
    <message>
        <source>Fetching what the GPU needs</source>
        <translation>正在下载 GPU 所需的内容</translation>
    </message>
    <message>
        <source>They are here: {names}.</source>
        <translation>已在本机：{names}。</translation>
    </message>
    <message>
        <source>Nothing needs to be fetched.</source>
        <translation>无需下载任何内容。</translation>
    </message>
    <message>
        <source>Nothing that could be fetched would help as things are.</source>
        <translation>目前下载任何内容都无济于事。</translation>
    </message>
    <message>
        <source>From pypi.org into the program&apos;s own folder; each is checked against its SHA-256 before it is unpacked.</source>
        <translation>从 pypi.org 下载到本程序自己的文件夹；每个软件包解压前都会核对 SHA-256。</translation>
    </message>
    <message>
        <source>licence {name}</source>
        <translation>许可证 {name}</translation>
    </message>
    <message>
        <source>Unpacking {name}…</source>
        <translation>正在解压 {name}…</translation>
    </message>
    <message>
        <source>Passed</source>
        <translation>通过</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Skipped</source>
        <translation>跳过</translation>
    </message>
    <message>
        <source>Outcome</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>项目</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>详情</translation>
    </message>
</context>
<context>
    <name>GpuManager</name>
    <message>
        <source>GPU support</source>
        <translation>GPU 支持</translation>
    </message>
    <message>
        <source>The GPU is used from now on: the model is loaded anew</source>
        <translation>从现在起使用 GPU：正在重新加载模型</translation>
    </message>
    <message>
        <source>The GPU is no longer used unasked: the model is loaded anew</source>
        <translation>不再自动使用 GPU：正在重新加载模型</translation>
    </message>
    <message>
        <source>Remove what was fetched for the GPU?</source>
        <translation>移除为 GPU 下载的内容？</translation>
    </message>
    <message>
        <source>It is deleted from this computer. Programs that use it already do so until they end.</source>
        <translation>它将从这台电脑上删除。已在使用它的程序会用到退出为止。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>What was fetched for the GPU was removed</source>
        <translation>为 GPU 下载的内容已移除</translation>
    </message>
    <message>
        <source>Saved as {path}</source>
        <translation>已保存为 {path}</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>GpuWindow</name>
    <message>
        <source>GPU support</source>
        <translation>GPU 支持</translation>
    </message>
    <message>
        <source>Self-test</source>
        <translation>自检</translation>
    </message>
    <message>
        <source>&amp;Run self-test</source>
        <translation>运行自检(&amp;R)</translation>
    </message>
    <message>
        <source>Compares what the device computes with what is right, and times it</source>
        <translation>将设备的计算结果与正确结果比较，并测量时间</translation>
    </message>
    <message>
        <source>&amp;Stop the self-test</source>
        <translation>停止自检(&amp;S)</translation>
    </message>
    <message>
        <source>What was found so far stays in the list</source>
        <translation>到目前为止的结果保留在列表中</translation>
    </message>
    <message>
        <source>Sa&amp;ve report…</source>
        <translation>保存报告(&amp;V)…</translation>
    </message>
    <message>
        <source>Writes all figures to a JSON file, for a bug report</source>
        <translation>将所有数据写入 JSON 文件，用于错误报告</translation>
    </message>
    <message>
        <source>Checks of the self-test</source>
        <translation>自检项目</translation>
    </message>
    <message>
        <source>Each with what was measured, and whether it passed</source>
        <translation>每一项的测量结果以及是否通过</translation>
    </message>
    <message>
        <source>Does this machine compute what it should? Takes some seconds; without a GPU, on the CPU.</source>
        <translation>这台电脑计算正确吗？只需几秒；没有 GPU 时在 CPU 上进行。</translation>
    </message>
    <message>
        <source>Stopped. {counts}</source>
        <translation>已停止。{counts}</translation>
    </message>
    <message>
        <source>It did not come to its end. {counts}</source>
        <translation>未能完成。{counts}</translation>
    </message>
    <message>
        <source>Something failed. {counts}</source>
        <translation>有项目失败。{counts}</translation>
    </message>
    <message>
        <source>Nothing failed. {counts}</source>
        <translation>没有失败的项目。{counts}</translation>
    </message>
    <message>
        <source>Testing… {counts}</source>
        <translation>正在自检…{counts}</translation>
    </message>
    <message>
        <source>{passed} passed, {failed} failed, {skipped} skipped</source>
        <translation>{passed} 项通过，{failed} 项失败，{skipped} 项跳过</translation>
    </message>
</context>
<context>
    <name>HelpDesk</name>
    <message>
        <source>Saved as {path}</source>
        <translation>已保存为 {path}</translation>
    </message>
    <message>
        <source>The report could not be written</source>
        <translation>无法写入报告</translation>
    </message>
    <message>
        <source>The log cannot be read: {reason}.</source>
        <translation>无法读取日志：{reason}。</translation>
    </message>
</context>
<context>
    <name>Intake</name>
    <message>
        <source>There are no files in the clipboard</source>
        <translation>剪贴板中没有文件</translation>
    </message>
    <message>
        <source>Lines of the clipboard that are no files: {n}</source>
        <translation>剪贴板中有 {n} 行不是文件</translation>
    </message>
    <message>
        <source>Copy files in the file manager, or full paths as text, one on each line.</source>
        <translation>请在文件管理器中复制文件，或复制完整路径的文本，每行一个。</translation>
    </message>
    <message>
        <source>Only files on this computer can be transcribed</source>
        <translation>只能转写这台电脑上的文件</translation>
    </message>
    <message>
        <source>Save the recording to a folder first, and drop it from there.</source>
        <translation>请先把录音保存到文件夹中，再从那里拖放。</translation>
    </message>
</context>
<context>
    <name>Jobs</name>
    <message>
        <source>Downloading {name}</source>
        <translation>正在下载 {name}</translation>
    </message>
    <message>
        <source>Writing {name}</source>
        <translation>正在写入 {name}</translation>
    </message>
    <message>
        <source>Verifying {name}</source>
        <translation>正在检验 {name}</translation>
    </message>
    <message>
        <source>Waiting until the work before it is done</source>
        <translation>等待前面的任务完成</translation>
    </message>
    <message>
        <source>Trying again. {cause}</source>
        <translation>正在重试。{cause}</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>{size} a second</source>
        <translation>每秒 {size}</translation>
    </message>
    <message>
        <source>comparing it with the published files</source>
        <translation>正在与已发布的文件比较</translation>
    </message>
    <message>
        <source>{n} of {total} tensors</source>
        <translation>{n} / {total} 个张量</translation>
    </message>
    <message>
        <source>reading the model</source>
        <translation>正在读取模型</translation>
    </message>
    <message>
        <source>{done} of {total}</source>
        <translation>{done} / {total}</translation>
    </message>
    <message>
        <source>Resume {name}</source>
        <translation>继续 {name}</translation>
    </message>
    <message>
        <source>Pause {name}</source>
        <translation>暂停 {name}</translation>
    </message>
    <message>
        <source>Cancel {name}</source>
        <translation>取消 {name}</translation>
    </message>
</context>
<context>
    <name>Languages</name>
    <message>
        <source>English</source>
        <translation>英语</translation>
    </message>
    <message>
        <source>Chinese</source>
        <translation>中文</translation>
    </message>
    <message>
        <source>German</source>
        <translation>德语</translation>
    </message>
    <message>
        <source>Spanish</source>
        <translation>西班牙语</translation>
    </message>
    <message>
        <source>Russian</source>
        <translation>俄语</translation>
    </message>
    <message>
        <source>Korean</source>
        <translation>韩语</translation>
    </message>
    <message>
        <source>French</source>
        <translation>法语</translation>
    </message>
    <message>
        <source>Japanese</source>
        <translation>日语</translation>
    </message>
    <message>
        <source>Portuguese</source>
        <translation>葡萄牙语</translation>
    </message>
    <message>
        <source>Turkish</source>
        <translation>土耳其语</translation>
    </message>
    <message>
        <source>Polish</source>
        <translation>波兰语</translation>
    </message>
    <message>
        <source>Catalan</source>
        <translation>加泰罗尼亚语</translation>
    </message>
    <message>
        <source>Dutch</source>
        <translation>荷兰语</translation>
    </message>
    <message>
        <source>Arabic</source>
        <translation>阿拉伯语</translation>
    </message>
    <message>
        <source>Swedish</source>
        <translation>瑞典语</translation>
    </message>
    <message>
        <source>Italian</source>
        <translation>意大利语</translation>
    </message>
    <message>
        <source>Indonesian</source>
        <translation>印度尼西亚语</translation>
    </message>
    <message>
        <source>Hindi</source>
        <translation>印地语</translation>
    </message>
    <message>
        <source>Finnish</source>
        <translation>芬兰语</translation>
    </message>
    <message>
        <source>Vietnamese</source>
        <translation>越南语</translation>
    </message>
    <message>
        <source>Hebrew</source>
        <translation>希伯来语</translation>
    </message>
    <message>
        <source>Ukrainian</source>
        <translation>乌克兰语</translation>
    </message>
    <message>
        <source>Greek</source>
        <translation>希腊语</translation>
    </message>
    <message>
        <source>Malay</source>
        <translation>马来语</translation>
    </message>
    <message>
        <source>Czech</source>
        <translation>捷克语</translation>
    </message>
    <message>
        <source>Romanian</source>
        <translation>罗马尼亚语</translation>
    </message>
    <message>
        <source>Danish</source>
        <translation>丹麦语</translation>
    </message>
    <message>
        <source>Hungarian</source>
        <translation>匈牙利语</translation>
    </message>
    <message>
        <source>Tamil</source>
        <translation>泰米尔语</translation>
    </message>
    <message>
        <source>Norwegian</source>
        <translation>挪威语</translation>
    </message>
    <message>
        <source>Thai</source>
        <translation>泰语</translation>
    </message>
    <message>
        <source>Urdu</source>
        <translation>乌尔都语</translation>
    </message>
    <message>
        <source>Croatian</source>
        <translation>克罗地亚语</translation>
    </message>
    <message>
        <source>Bulgarian</source>
        <translation>保加利亚语</translation>
    </message>
    <message>
        <source>Lithuanian</source>
        <translation>立陶宛语</translation>
    </message>
    <message>
        <source>Latin</source>
        <translation>拉丁语</translation>
    </message>
    <message>
        <source>Maori</source>
        <translation>毛利语</translation>
    </message>
    <message>
        <source>Malayalam</source>
        <translation>马拉雅拉姆语</translation>
    </message>
    <message>
        <source>Welsh</source>
        <translation>威尔士语</translation>
    </message>
    <message>
        <source>Slovak</source>
        <translation>斯洛伐克语</translation>
    </message>
    <message>
        <source>Telugu</source>
        <translation>泰卢固语</translation>
    </message>
    <message>
        <source>Persian</source>
        <translation>波斯语</translation>
    </message>
    <message>
        <source>Latvian</source>
        <translation>拉脱维亚语</translation>
    </message>
    <message>
        <source>Bengali</source>
        <translation>孟加拉语</translation>
    </message>
    <message>
        <source>Serbian</source>
        <translation>塞尔维亚语</translation>
    </message>
    <message>
        <source>Azerbaijani</source>
        <translation>阿塞拜疆语</translation>
    </message>
    <message>
        <source>Slovenian</source>
        <translation>斯洛文尼亚语</translation>
    </message>
    <message>
        <source>Kannada</source>
        <translation>卡纳达语</translation>
    </message>
    <message>
        <source>Estonian</source>
        <translation>爱沙尼亚语</translation>
    </message>
    <message>
        <source>Macedonian</source>
        <translation>马其顿语</translation>
    </message>
    <message>
        <source>Breton</source>
        <translation>布列塔尼语</translation>
    </message>
    <message>
        <source>Basque</source>
        <translation>巴斯克语</translation>
    </message>
    <message>
        <source>Icelandic</source>
        <translation>冰岛语</translation>
    </message>
    <message>
        <source>Armenian</source>
        <translation>亚美尼亚语</translation>
    </message>
    <message>
        <source>Nepali</source>
        <translation>尼泊尔语</translation>
    </message>
    <message>
        <source>Mongolian</source>
        <translation>蒙古语</translation>
    </message>
    <message>
        <source>Bosnian</source>
        <translation>波斯尼亚语</translation>
    </message>
    <message>
        <source>Kazakh</source>
        <translation>哈萨克语</translation>
    </message>
    <message>
        <source>Albanian</source>
        <translation>阿尔巴尼亚语</translation>
    </message>
    <message>
        <source>Swahili</source>
        <translation>斯瓦希里语</translation>
    </message>
    <message>
        <source>Galician</source>
        <translation>加利西亚语</translation>
    </message>
    <message>
        <source>Marathi</source>
        <translation>马拉地语</translation>
    </message>
    <message>
        <source>Punjabi</source>
        <translation>旁遮普语</translation>
    </message>
    <message>
        <source>Sinhala</source>
        <translation>僧伽罗语</translation>
    </message>
    <message>
        <source>Khmer</source>
        <translation>高棉语</translation>
    </message>
    <message>
        <source>Shona</source>
        <translation>绍纳语</translation>
    </message>
    <message>
        <source>Yoruba</source>
        <translation>约鲁巴语</translation>
    </message>
    <message>
        <source>Somali</source>
        <translation>索马里语</translation>
    </message>
    <message>
        <source>Afrikaans</source>
        <translation>南非荷兰语</translation>
    </message>
    <message>
        <source>Occitan</source>
        <translation>奥克语</translation>
    </message>
    <message>
        <source>Georgian</source>
        <translation>格鲁吉亚语</translation>
    </message>
    <message>
        <source>Belarusian</source>
        <translation>白俄罗斯语</translation>
    </message>
    <message>
        <source>Tajik</source>
        <translation>塔吉克语</translation>
    </message>
    <message>
        <source>Sindhi</source>
        <translation>信德语</translation>
    </message>
    <message>
        <source>Gujarati</source>
        <translation>古吉拉特语</translation>
    </message>
    <message>
        <source>Amharic</source>
        <translation>阿姆哈拉语</translation>
    </message>
    <message>
        <source>Yiddish</source>
        <translation>意第绪语</translation>
    </message>
    <message>
        <source>Lao</source>
        <translation>老挝语</translation>
    </message>
    <message>
        <source>Uzbek</source>
        <translation>乌兹别克语</translation>
    </message>
    <message>
        <source>Faroese</source>
        <translation>法罗语</translation>
    </message>
    <message>
        <source>Haitian Creole</source>
        <translation>海地克里奥尔语</translation>
    </message>
    <message>
        <source>Pashto</source>
        <translation>普什图语</translation>
    </message>
    <message>
        <source>Turkmen</source>
        <translation>土库曼语</translation>
    </message>
    <message>
        <source>Nynorsk</source>
        <translation>新挪威语</translation>
    </message>
    <message>
        <source>Maltese</source>
        <translation>马耳他语</translation>
    </message>
    <message>
        <source>Sanskrit</source>
        <translation>梵语</translation>
    </message>
    <message>
        <source>Luxembourgish</source>
        <translation>卢森堡语</translation>
    </message>
    <message>
        <source>Myanmar</source>
        <translation>缅甸语</translation>
    </message>
    <message>
        <source>Tibetan</source>
        <translation>藏语</translation>
    </message>
    <message>
        <source>Tagalog</source>
        <translation>他加禄语</translation>
    </message>
    <message>
        <source>Malagasy</source>
        <translation>马达加斯加语</translation>
    </message>
    <message>
        <source>Assamese</source>
        <translation>阿萨姆语</translation>
    </message>
    <message>
        <source>Tatar</source>
        <translation>鞑靼语</translation>
    </message>
    <message>
        <source>Hawaiian</source>
        <translation>夏威夷语</translation>
    </message>
    <message>
        <source>Lingala</source>
        <translation>林加拉语</translation>
    </message>
    <message>
        <source>Hausa</source>
        <translation>豪萨语</translation>
    </message>
    <message>
        <source>Bashkir</source>
        <translation>巴什基尔语</translation>
    </message>
    <message>
        <source>Javanese</source>
        <translation>爪哇语</translation>
    </message>
    <message>
        <source>Sundanese</source>
        <translation>巽他语</translation>
    </message>
    <message>
        <source>Cantonese</source>
        <translation>粤语</translation>
    </message>
</context>
<context>
    <name>LogWindow</name>
    <message>
        <source>There is nothing of that kind in the log.</source>
        <translation>日志中没有符合条件的内容。</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Everything</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Information</source>
        <translation>信息</translation>
    </message>
    <message>
        <source>Warnings and errors</source>
        <translation>警告和错误</translation>
    </message>
    <message>
        <source>Errors only</source>
        <translation>仅错误</translation>
    </message>
    <message>
        <source>Everything, for the search of an error</source>
        <translation>全部（用于查找错误）</translation>
    </message>
    <message>
        <source>What the program does</source>
        <translation>程序的操作</translation>
    </message>
    <message>
        <source>&amp;Show:</source>
        <translation>显示(&amp;S)：</translation>
    </message>
    <message>
        <source>Lines of less weight are left out</source>
        <translation>级别较低的行不显示</translation>
    </message>
    <message>
        <source>Lines that are shown</source>
        <translation>显示的行</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Only entries with this text are shown</source>
        <translation>只显示包含此文字的条目</translation>
    </message>
    <message>
        <source>&amp;Write down:</source>
        <translation>记录(&amp;W)：</translation>
    </message>
    <message>
        <source>Lines that are written</source>
        <translation>记录的行</translation>
    </message>
    <message>
        <source>What goes into the log from now on. It stays on this computer.</source>
        <translation>从现在起写入日志的内容。日志只保存在这台电脑上。</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>复制(&amp;C)</translation>
    </message>
    <message>
        <source>Copies the selected lines, or all that are shown</source>
        <translation>复制选中的行，或显示的全部行</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>打开文件夹(&amp;O)</translation>
    </message>
    <message>
        <source>Opens the folder in which the log is</source>
        <translation>打开日志所在的文件夹</translation>
    </message>
    <message>
        <source>&amp;Problem report…</source>
        <translation>问题报告(&amp;P)…</translation>
    </message>
    <message>
        <source>What a bug report needs, to be read and copied. Nothing is sent.</source>
        <translation>错误报告所需的内容，可阅读和复制。不会发送任何内容。</translation>
    </message>
    <message>
        <source>Each line with its time, its weight and where it comes from</source>
        <translation>每一行都有时间、级别和来源</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>A recording is still being transcribed.</source>
        <translation>仍有录音正在转写。</translation>
    </message>
    <message>
        <source>If you quit now, its text is lost.</source>
        <translation>如果现在退出，它的文本将会丢失。</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>If you quit now, it goes on when the program is started again.</source>
        <translation>如果现在退出，下次启动程序时会接着转写。</translation>
    </message>
    <message>
        <source>Keep working</source>
        <translation>继续转写</translation>
    </message>
    <message>
        <source>The list of recordings cannot be kept. If you quit now, these texts are lost.</source>
        <translation>无法保存录音列表。如果现在退出，这些文字将会丢失。</translation>
    </message>
    <message>
        <source>There are texts that are not saved.</source>
        <translation>有尚未保存的文字。</translation>
    </message>
    <message>
        <source>If you quit now, its text stays as it was.</source>
        <translation>如果现在退出，其文本保持原样。</translation>
    </message>
    <message>
        <source>A selection is still being transcribed again.</source>
        <translation>选中部分仍在重新转写。</translation>
    </message>
    <message>
        <source>Options</source>
        <translation>选项</translation>
    </message>
    <message>
        <source>More about how recordings are recognised</source>
        <translation>更多识别选项</translation>
    </message>
    <message>
        <source>Add recordings…</source>
        <translation>添加录音…</translation>
    </message>
    <message>
        <source>Pick files; or drop files and folders anywhere in this window</source>
        <translation>选择文件；也可以把文件和文件夹拖放到此窗口的任何位置</translation>
    </message>
</context>
<context>
    <name>Menus</name>
    <message>
        <source>&amp;Add recordings…</source>
        <translation>添加录音(&amp;A)…</translation>
    </message>
    <message>
        <source>Add a &amp;folder…</source>
        <translation>添加文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Paste files</source>
        <translation>粘贴文件(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Save transcript as…</source>
        <translation>文稿另存为(&amp;S)…</translation>
    </message>
    <message>
        <source>Save a&amp;utomatically…</source>
        <translation>自动保存(&amp;U)…</translation>
    </message>
    <message>
        <source>Su&amp;btitles…</source>
        <translation>字幕(&amp;B)…</translation>
    </message>
    <message>
        <source>&amp;Watch a folder…</source>
        <translation>监视文件夹(&amp;W)…</translation>
    </message>
    <message>
        <source>M&amp;odels…</source>
        <translation>模型(&amp;O)…</translation>
    </message>
    <message>
        <source>Choose &amp;model file…</source>
        <translation>选择模型文件(&amp;M)…</translation>
    </message>
    <message>
        <source>Use the &amp;built-in model</source>
        <translation>使用内置模型(&amp;B)</translation>
    </message>
    <message>
        <source>Se&amp;ttings…</source>
        <translation>设置(&amp;T)…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Copy transcript</source>
        <translation>复制文稿(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Pause</source>
        <translation>暂停(&amp;P)</translation>
    </message>
    <message>
        <source>Resu&amp;me</source>
        <translation>继续(&amp;M)</translation>
    </message>
    <message>
        <source>Ca&amp;ncel</source>
        <translation>取消(&amp;N)</translation>
    </message>
    <message>
        <source>Cance&amp;l all</source>
        <translation>全部取消(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Transcribe again</source>
        <translation>重新转写(&amp;T)</translation>
    </message>
    <message>
        <source>Transcribe all that &amp;failed again</source>
        <translation>重新转写所有失败的(&amp;F)</translation>
    </message>
    <message>
        <source>Opt&amp;ions of these recordings…</source>
        <translation>这些录音的选项(&amp;I)…</translation>
    </message>
    <message>
        <source>Move &amp;up</source>
        <translation>上移(&amp;U)</translation>
    </message>
    <message>
        <source>Move &amp;down</source>
        <translation>下移(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Remove from the list</source>
        <translation>从列表中移除(&amp;R)</translation>
    </message>
    <message>
        <source>Remove all that are &amp;done</source>
        <translation>移除所有已完成的(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Options</source>
        <translation>选项(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Notify when all is done</source>
        <translation>全部完成时通知(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;GPU support…</source>
        <translation>&amp;GPU 支持…</translation>
    </message>
    <message>
        <source>&amp;Self-test…</source>
        <translation>自检(&amp;S)…</translation>
    </message>
    <message>
        <source>&amp;Welcome…</source>
        <translation>欢迎(&amp;W)…</translation>
    </message>
    <message>
        <source>&amp;About WhisperDesktop NG</source>
        <translation>关于 WhisperDesktop NG(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Recording</source>
        <translation>录音(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>Edit the &amp;text</source>
        <translation>编辑文字(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Merge segments</source>
        <translation>合并片段(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Delete segments</source>
        <translation>删除片段(&amp;D)</translation>
    </message>
    <message>
        <source>Transcribe the &amp;selection again…</source>
        <translation>重新转写所选部分(&amp;S)…</translation>
    </message>
    <message>
        <source>&amp;Find and replace…</source>
        <translation>查找和替换(&amp;F)…</translation>
    </message>
    <message>
        <source>Copy &amp;as</source>
        <translation>复制为(&amp;A)</translation>
    </message>
    <message>
        <source>Formatted text</source>
        <translation>带格式的文本</translation>
    </message>
    <message>
        <source>&amp;Log…</source>
        <translation>日志(&amp;L)…</translation>
    </message>
    <message>
        <source>&amp;Problem report…</source>
        <translation>问题报告(&amp;P)…</translation>
    </message>
    <message>
        <source>&amp;Playback</source>
        <translation>播放(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Play or pause</source>
        <translation>播放或暂停(&amp;P)</translation>
    </message>
    <message>
        <source>Five seconds &amp;forward</source>
        <translation>前进五秒(&amp;F)</translation>
    </message>
    <message>
        <source>Five seconds bac&amp;k</source>
        <translation>后退五秒(&amp;K)</translation>
    </message>
    <message>
        <source>Segment &amp;before</source>
        <translation>上一段(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Next segment</source>
        <translation>下一段(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Repeat the segment</source>
        <translation>循环播放此段(&amp;R)</translation>
    </message>
    <message>
        <source>Segment begins &amp;here</source>
        <translation>片段从此处开始(&amp;H)</translation>
    </message>
    <message>
        <source>Segment &amp;ends here</source>
        <translation>片段到此处结束(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Slower</source>
        <translation>减速(&amp;S)</translation>
    </message>
    <message>
        <source>F&amp;aster</source>
        <translation>加速(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Louder</source>
        <translation>增大音量(&amp;L)</translation>
    </message>
    <message>
        <source>Sof&amp;ter</source>
        <translation>减小音量(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Mute</source>
        <translation>静音(&amp;M)</translation>
    </message>
    <message>
        <source>Mark &amp;unsure words</source>
        <translation>标出不确定的词(&amp;U)</translation>
    </message>
    <message>
        <source>Words that the model was not sure of, where the times of words are known</source>
        <translation>模型没有把握的词（仅限已有词时间的文本）</translation>
    </message>
    <message>
        <source>&amp;Next doubtful segment</source>
        <translation>下一个可疑片段(&amp;N)</translation>
    </message>
    <message>
        <source>Pre&amp;vious doubtful segment</source>
        <translation>上一个可疑片段(&amp;V)</translation>
    </message>
    <message>
        <source>Set the s&amp;peaker…</source>
        <translation>设置说话人(&amp;P)…</translation>
    </message>
    <message>
        <source>Set the t&amp;imes…</source>
        <translation>设置时间(&amp;I)…</translation>
    </message>
    <message>
        <source>&amp;Dictation</source>
        <translation>听写(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Show dictation</source>
        <translation>显示听写(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Start or finish dictating</source>
        <translation>开始或结束听写(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Pause or go on dictating</source>
        <translation>暂停或继续听写(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Discard what is being dictated</source>
        <translation>丢弃正在听写的内容(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Copy the dictation</source>
        <translation>复制听写内容(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Into any program…</source>
        <translation>输入到任意程序(&amp;I)…</translation>
    </message>
    <message>
        <source>Search &amp;all transcripts…</source>
        <translation>搜索所有转录(&amp;A)…</translation>
    </message>
    <message>
        <source>Looks for a text in every recording of the list</source>
        <translation>在列表中的每个录音里查找文字</translation>
    </message>
</context>
<context>
    <name>MessageBar</name>
    <message>
        <source>Close this message</source>
        <translation>关闭此消息</translation>
    </message>
</context>
<context>
    <name>ModelDetails</name>
    <message>
        <source>Select a model to see what can be done with it</source>
        <translation>选择一个模型，查看可以对它进行的操作</translation>
    </message>
    <message>
        <source>{n} million parameters in {type}</source>
        <translation>{n}M 参数，{type}</translation>
    </message>
    <message>
        <source>needs about {cpu} of memory on the CPU, {gpu} on a GPU</source>
        <translation>在 CPU 上约需 {cpu} 内存，在 GPU 上约需 {gpu}</translation>
    </message>
    <message>
        <source>expected real-time factor here: {speed}</source>
        <translation>本机预计实时率：{speed}</translation>
    </message>
    <message>
        <source>speed not measured yet: transcribe a recording of ten seconds or more</source>
        <translation>尚未测得速度：请先转写一段十秒以上的录音</translation>
    </message>
    <message>
        <source>It may not fit: it needs about {need} of memory on the CPU, and {free} are free.</source>
        <translation>内存可能不够：在 CPU 上约需 {need}，目前空闲 {free}。</translation>
    </message>
    <message>
        <source>Recommended for this computer. {reason}</source>
        <translation>推荐本机使用。{reason}</translation>
    </message>
    <message>
        <source>Another program&apos;s format: import it to use it here. The original stays as it is.</source>
        <translation>这是其他程序的格式：导入后即可在此使用，原文件保持不变。</translation>
    </message>
    <message>
        <source>Byte by byte the file that was published.</source>
        <translation>与已发布的文件逐字节相同。</translation>
    </message>
    <message>
        <source>Not one of the published files this program knows: converted, trained or changed.</source>
        <translation>不是本程序已知的已发布文件：经过转换、训练或改动。</translation>
    </message>
    <message>
        <source>Whether it is a published file has not been checked: verify it.</source>
        <translation>尚未检查它是否为已发布的文件：请检验。</translation>
    </message>
</context>
<context>
    <name>ModelManager</name>
    <message>
        <source>Loading {name}…</source>
        <translation>正在加载 {name}…</translation>
    </message>
    <message>
        <source>{name} is in use now</source>
        <translation>现在使用 {name}</translation>
    </message>
    <message>
        <source>{name} exists already.</source>
        <translation>{name} 已存在。</translation>
    </message>
    <message>
        <source>It is replaced once the new file is complete.</source>
        <translation>新文件完成后将替换它。</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>The file is deleted from this computer.</source>
        <translation>该文件将从本机删除。</translation>
    </message>
    <message>
        <source>It is the model in use: the built-in one is used instead.</source>
        <translation>它是正在使用的模型：将改用内置模型。</translation>
    </message>
    <message>
        <source>Remove {name}?</source>
        <translation>移除 {name}？</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>{name} was removed</source>
        <translation>已移除 {name}</translation>
    </message>
    <message>
        <source>No program here opens folders</source>
        <translation>本机没有可以打开文件夹的程序</translation>
    </message>
    <message>
        <source>{name} was downloaded and is the published file</source>
        <translation>{name} 已下载，与发布的文件一致</translation>
    </message>
    <message>
        <source>{name} was written</source>
        <translation>已写入 {name}</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
</context>
<context>
    <name>Models</name>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Cancel download</source>
        <translation>取消下载</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>使用此模型</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>Quantize…</source>
        <translation>量化…</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>检验</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>移除…</translation>
    </message>
    <message>
        <source>Fetches the file; it can be paused, and goes on after a lost connection</source>
        <translation>下载文件；可以暂停，断线后可继续</translation>
    </message>
    <message>
        <source>What has been fetched stays</source>
        <translation>已下载的部分会保留</translation>
    </message>
    <message>
        <source>Goes on where it stopped</source>
        <translation>从停止处继续</translation>
    </message>
    <message>
        <source>Stops, and deletes what has been fetched</source>
        <translation>停止并删除已下载的部分</translation>
    </message>
    <message>
        <source>Transcribes with this model from now on</source>
        <translation>从现在起使用此模型转写</translation>
    </message>
    <message>
        <source>Turns it into a file that this program reads</source>
        <translation>将其转换为本程序可读取的文件</translation>
    </message>
    <message>
        <source>Writes a smaller file beside it</source>
        <translation>在旁边写入一个更小的文件</translation>
    </message>
    <message>
        <source>Looks for damage, and compares what the program computes with</source>
        <translation>检查是否损坏，并比对程序计算所用的数据</translation>
    </message>
    <message>
        <source>Shows where the file lies</source>
        <translation>显示文件所在位置</translation>
    </message>
    <message>
        <source>Deletes the file, after a question</source>
        <translation>询问后删除文件</translation>
    </message>
    <message>
        <source>{n} languages</source>
        <translation>{n} 种语言</translation>
    </message>
    <message>
        <source>English only</source>
        <translation>仅英语</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>是</translation>
    </message>
    <message>
        <source>no</source>
        <translation>否</translation>
    </message>
    <message>
        <source>{speed}×</source>
        <translation>{speed} 倍</translation>
    </message>
    <message>
        <source>{percent} arrived</source>
        <translation>已收到 {percent}</translation>
    </message>
    <message>
        <source>Downloaded</source>
        <translation>已下载</translation>
    </message>
    <message>
        <source>Built in</source>
        <translation>内置</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Paused at {percent}</source>
        <translation>已暂停（{percent}）</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>Downloading, {percent}</source>
        <translation>正在下载，{percent}</translation>
    </message>
    <message>
        <source>damaged</source>
        <translation>已损坏</translation>
    </message>
    <message>
        <source>published file</source>
        <translation>已发布的文件</translation>
    </message>
    <message>
        <source>unpublished</source>
        <translation>未发布</translation>
    </message>
    <message>
        <source>not checked</source>
        <translation>未检查</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>recommended</source>
        <translation>推荐</translation>
    </message>
    <message>
        <source>Estimated for a transcription, in this machine&apos;s memory</source>
        <translation>转写时所需本机内存的估计值</translation>
    </message>
    <message>
        <source>Estimated; nothing was measured on a GPU yet</source>
        <translation>估计值；尚未在 GPU 上测量</translation>
    </message>
    <message>
        <source>Times as fast as real time, expected from the last transcription on this machine</source>
        <translation>相对实时的倍数，根据本机上一次转写估计</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Languages</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Translates</source>
        <translation>翻译</translation>
    </message>
    <message>
        <source>Whether it can translate speech into English</source>
        <translation>能否将语音翻译成英语</translation>
    </message>
    <message>
        <source>CPU memory</source>
        <translation>CPU 内存</translation>
    </message>
    <message>
        <source>GPU memory</source>
        <translation>GPU 内存</translation>
    </message>
    <message>
        <source>Speed here</source>
        <translation>本机速度</translation>
    </message>
    <message>
        <source>State</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>Origin</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Whether it is, byte by byte, a file that was published</source>
        <translation>是否与某个已发布的文件逐字节相同</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
</context>
<context>
    <name>ModelsWindow</name>
    <message>
        <source>Published models</source>
        <translation>已发布的模型</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>本机上的模型</translation>
    </message>
    <message>
        <source>Looking for models…</source>
        <translation>正在查找模型…</translation>
    </message>
    <message>
        <source>No model is like what you look for.</source>
        <translation>没有符合条件的模型。</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Find by name, language, type…</source>
        <translation>按名称、语言、类型查找…</translation>
    </message>
    <message>
        <source>Find models</source>
        <translation>查找模型</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>Turn another program&apos;s model into a file this one reads</source>
        <translation>将其他程序的模型转换为本程序可读的文件</translation>
    </message>
    <message>
        <source>Use a file…</source>
        <translation>使用文件…</translation>
    </message>
    <message>
        <source>Transcribe with any ggml or GGUF file, wherever it lies</source>
        <translation>用任意位置的 ggml 或 GGUF 文件转写</translation>
    </message>
    <message>
        <source>Folders…</source>
        <translation>文件夹…</translation>
    </message>
    <message>
        <source>Where models are looked for, and where new ones go</source>
        <translation>查找模型的位置，以及新模型的存放位置</translation>
    </message>
    <message>
        <source>Network…</source>
        <translation>网络…</translation>
    </message>
    <message>
        <source>Switch the network off; proxy, certificates and mirror of downloads</source>
        <translation>关闭网络；下载所用的代理、证书和镜像</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新查找</translation>
    </message>
    <message>
        <source>Look for models on this computer again (F5)</source>
        <translation>重新查找本机上的模型 (F5)</translation>
    </message>
    <message>
        <source>What each needs, and how fast it would be here</source>
        <translation>各模型的需求以及在本机上的速度</translation>
    </message>
    <message>
        <source>Models on this computer</source>
        <translation>本机上的模型</translation>
    </message>
    <message>
        <source>Found in the folders of this and other programs</source>
        <translation>在本程序和其他程序的文件夹中找到的模型</translation>
    </message>
    <message>
        <source>Which models are shown</source>
        <translation>显示哪些模型</translation>
    </message>
</context>
<context>
    <name>NetworkDialog</name>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>&amp;Network off</source>
        <translation>关闭网络(&amp;N)</translation>
    </message>
    <message>
        <source>Nothing is fetched. Transcribing needs no network.</source>
        <translation>不下载任何内容。转写不需要网络。</translation>
    </message>
    <message>
        <source>C&amp;hoose…</source>
        <translation>选择(&amp;H)…</translation>
    </message>
    <message>
        <source>&amp;Proxy</source>
        <translation>代理(&amp;P)</translation>
    </message>
    <message>
        <source>If empty, as the system or HTTPS_PROXY says.</source>
        <translation>留空则遵循系统设置或 HTTPS_PROXY。</translation>
    </message>
    <message>
        <source>&amp;Certificates</source>
        <translation>证书(&amp;C)</translation>
    </message>
    <message>
        <source>A PEM file to trust besides the system&apos;s, where a network inspects.</source>
        <translation>在系统证书之外还要信任的 PEM 文件，用于会检查连接的网络。</translation>
    </message>
    <message>
        <source>&amp;Mirror</source>
        <translation>镜像(&amp;M)</translation>
    </message>
    <message>
        <source>Of huggingface.co, tried first. If empty, as HF_ENDPOINT says.</source>
        <translation>huggingface.co 的镜像，优先使用。留空则遵循 HF_ENDPOINT。</translation>
    </message>
</context>
<context>
    <name>Notices</name>
    <message>
        <source>Recordings that could not be transcribed: {n}</source>
        <translation>有 {n} 个录音无法转写</translation>
    </message>
    <message>
        <source>The list says why of each.</source>
        <translation>各录音失败的原因见列表。</translation>
    </message>
    <message>
        <source>Choose model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>The text was copied</source>
        <translation>文本已复制</translation>
    </message>
    <message>
        <source>The model was sure of all words whose times are known, and nothing speaks against a segment.</source>
        <translation>凡有词时间的词，模型都有把握；各片段也没有可疑迹象。</translation>
    </message>
    <message>
        <source>Nothing doubtful was found</source>
        <translation>没有发现可疑之处</translation>
    </message>
    <message>
        <source>When all is done, the window&apos;s entry in the task bar flashes instead.</source>
        <translation>全部完成时，任务栏中的窗口图标会闪烁。</translation>
    </message>
    <message>
        <source>This desktop shows no notifications</source>
        <translation>此桌面不显示通知</translation>
    </message>
    <message>
        <source>{path}: {reason}. It is tried again and again.</source>
        <translation>{path}：{reason}。会不断重试。</translation>
    </message>
    <message>
        <source>The watched folder is not there</source>
        <translation>被监视的文件夹不存在</translation>
    </message>
    <message>
        <source>The watched folder is there again: {path}</source>
        <translation>被监视的文件夹已恢复：{path}</translation>
    </message>
    <message>
        <source>Saved as {path}</source>
        <translation>已保存为 {path}</translation>
    </message>
    <message>
        <source>The list of recordings is not kept</source>
        <translation>录音列表无法保存</translation>
    </message>
    <message>
        <source>The list of recordings is kept again</source>
        <translation>录音列表已恢复保存</translation>
    </message>
    <message>
        <source>The settings could not be understood</source>
        <translation>无法读取设置</translation>
    </message>
    <message>
        <source>They are kept in {path}; those of a first start are used.</source>
        <translation>原设置保存在 {path}；现使用首次启动时的设置。</translation>
    </message>
    <message>
        <source>Texts up to that moment are in the list, and what was not done goes on.</source>
        <translation>截至当时的文字都在列表中，未完成的录音会继续转写。</translation>
    </message>
    <message>
        <source>The program did not end properly the last time</source>
        <translation>程序上次未正常结束</translation>
    </message>
    <message>
        <source>Show report</source>
        <translation>查看报告</translation>
    </message>
</context>
<context>
    <name>OptionsBar</name>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Task</source>
        <translation>任务</translation>
    </message>
    <message>
        <source>Language of the recordings</source>
        <translation>录音的语言</translation>
    </message>
    <message>
        <source>The language spoken in the recordings that are added next</source>
        <translation>接下来添加的录音中所说的语言</translation>
    </message>
    <message>
        <source>What to do with the recordings that are added next</source>
        <translation>对接下来添加的录音做什么</translation>
    </message>
    <message>
        <source>Transcribe</source>
        <translation>转写</translation>
    </message>
    <message>
        <source>Translate into English</source>
        <translation>翻译成英语</translation>
    </message>
    <message>
        <source>Detect the language</source>
        <translation>自动检测语言</translation>
    </message>
</context>
<context>
    <name>OptionsPanel</name>
    <message>
        <source>Options</source>
        <translation>选项</translation>
    </message>
    <message>
        <source>For recordings that are added next, and for “Transcribe again”.</source>
        <translation>用于接下来添加的录音，以及“重新转写”。</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>恢复默认</translation>
    </message>
    <message>
        <source>Reset all options</source>
        <translation>将所有选项恢复为默认</translation>
    </message>
    <message>
        <source>All of them are as they come</source>
        <translation>全部恢复默认</translation>
    </message>
    <message>
        <source>An interview with Ms. Dashwood.</source>
        <translation>对达什伍德女士的采访。</translation>
    </message>
    <message>
        <source>Dashwood, Norland Park</source>
        <translation>达什伍德，诺兰庄园</translation>
    </message>
    <message>
        <source>Leave out what is not speech</source>
        <translation>跳过非语音部分</translation>
    </message>
    <message>
        <source>Only what is heard as speech is recognised; switch it off for singing.</source>
        <translation>只识别有人说话的部分；识别歌声时请关闭。</translation>
    </message>
    <message>
        <source>Several languages</source>
        <translation>多种语言</translation>
    </message>
    <message>
        <source>Listens for the language again and again, unless one is chosen above.</source>
        <translation>反复检测语言；上方已选定语言时不起作用。</translation>
    </message>
    <message>
        <source>A speaker on each channel</source>
        <translation>每个声道一位说话人</translation>
    </message>
    <message>
        <source>One person on the left, one on the right: the text says who speaks.</source>
        <translation>左右声道各有一人时，文字会标明谁在说话。</translation>
    </message>
    <message>
        <source>Search more thoroughly</source>
        <translation>更彻底地搜索</translation>
    </message>
    <message>
        <source>Weighs five readings: leaves fewer words out, takes half as long again.</source>
        <translation>比较五种可能的结果：漏词更少，用时约多一半。</translation>
    </message>
    <message>
        <source>Time every word</source>
        <translation>标注每个词的时间</translation>
    </message>
    <message>
        <source>Subtitles begin and end with their words; JSON files hold all times.</source>
        <translation>字幕随词起止；JSON 文件含每个词的时间。</translation>
    </message>
    <message>
        <source>Mark words as they are spoken</source>
        <translation>逐词高亮</translation>
    </message>
    <message>
        <source>Karaoke in SRT, VTT, LRC and ASS files; needs the time of every word.</source>
        <translation>保存的 SRT、VTT、LRC 和 ASS 字幕带卡拉 OK 效果；需标注每个词的时间。</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Names, terms or style to expect, told to the beginning of a recording.</source>
        <translation>预期的人名、术语或文风，用于录音的开头。</translation>
    </message>
    <message>
        <source>Likely words</source>
        <translation>可能的词语</translation>
    </message>
    <message>
        <source>Names and terms that may occur; told to every part of a recording.</source>
        <translation>可能出现的人名和术语，用于录音的各部分。</translation>
    </message>
</context>
<context>
    <name>PairsTable</name>
    <message>
        <source>Remove</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>The selected lines</source>
        <translation>所选的行</translation>
    </message>
</context>
<context>
    <name>Placeholder</name>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Transcribe this recording again</source>
        <translation>再次转写此录音</translation>
    </message>
    <message>
        <source>Choose model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>Transcribe with another model</source>
        <translation>使用其他模型转写</translation>
    </message>
</context>
<context>
    <name>PlayerBar</name>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Play</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>{name} (Ctrl+Space)</source>
        <translation>{name} (Ctrl+空格)</translation>
    </message>
    <message>
        <source>Segment before</source>
        <translation>上一段</translation>
    </message>
    <message>
        <source>Hear the segment before (Ctrl+Up)</source>
        <translation>播放上一段 (Ctrl+↑)</translation>
    </message>
    <message>
        <source>Next segment</source>
        <translation>下一段</translation>
    </message>
    <message>
        <source>Hear the next segment (Ctrl+Down)</source>
        <translation>播放下一段 (Ctrl+↓)</translation>
    </message>
    <message>
        <source>Repeat the segment</source>
        <translation>循环播放此段</translation>
    </message>
    <message>
        <source>Hear the segment again and again (Ctrl+L)</source>
        <translation>反复播放此段 (Ctrl+L)</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>See less of the recording, larger (Ctrl and wheel)</source>
        <translation>放大显示录音的一小段（Ctrl 加滚轮）</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>See more of the recording (Ctrl and wheel)</source>
        <translation>显示录音的更多部分（Ctrl 加滚轮）</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>How fast it is played; voices stay as high as they are</source>
        <translation>播放速度；声音的音高不变</translation>
    </message>
    <message>
        <source>Waveform</source>
        <translation>波形</translation>
    </message>
    <message>
        <source>Click to hear it from there; drag the edges of segments to move them (Shift: of one alone).
Space: play or pause. Left, right: five seconds. Up, down: zoom. Plus, minus: speed.
Tab while listening: next segment. Esc: leave.</source>
        <translation>单击从该处播放；拖动片段边缘可移动它（按住 Shift：只移动一段）。
空格：播放或暂停。左、右：五秒。上、下：缩放。加、减：速度。
收听时按 Tab：下一段。Esc：离开。</translation>
    </message>
</context>
<context>
    <name>Problems</name>
    <message>
        <source>{name}: {headline}</source>
        <translation>{name}：{headline}</translation>
    </message>
</context>
<context>
    <name>ProfilesPage</name>
    <message>
        <source>A profile keeps how recordings are recognised and which files are written: one for interviews, one for subtitles. Taking it holds for recordings that are added next.</source>
        <translation>配置方案保存识别方式和要写入的文件：例如一个用于采访，一个用于字幕。选用后对之后添加的录音生效。</translation>
    </message>
    <message>
        <source>Profiles</source>
        <translation>配置方案</translation>
    </message>
    <message>
        <source>Enter takes the selected one</source>
        <translation>按回车选用所选方案</translation>
    </message>
    <message>
        <source>Name, such as “Interviews”</source>
        <translation>名称，例如“采访”</translation>
    </message>
    <message>
        <source>Name of the profile</source>
        <translation>方案名称</translation>
    </message>
    <message>
        <source>Under which the options chosen now are kept</source>
        <translation>当前选项以此名称保存</translation>
    </message>
    <message>
        <source>Keep what is chosen now</source>
        <translation>保存当前选项</translation>
    </message>
    <message>
        <source>Under this name; one of that name is replaced</source>
        <translation>以此名称保存；同名方案会被替换</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Gives the selected profile this name</source>
        <translation>将所选方案改为此名称</translation>
    </message>
    <message>
        <source>Take</source>
        <translation>选用</translation>
    </message>
    <message>
        <source>Chooses the options of the selected profile</source>
        <translation>选用所选方案的选项</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Forgets the selected profile</source>
        <translation>删除所选方案</translation>
    </message>
</context>
<context>
    <name>RecordingCommands</name>
    <message>
        <source>Texts that have not been saved: {n}.</source>
        <translation>有 {n} 份文本尚未保存。</translation>
    </message>
    <message>
        <source>The text of {name} has not been saved.</source>
        <translation>{name} 的文本尚未保存。</translation>
    </message>
    <message>
        <source>If you remove them from the list, their texts are lost. The recordings themselves stay.</source>
        <translation>从列表中移除后，它们的文本将会丢失。录音本身会保留。</translation>
    </message>
    <message>
        <source>If you remove it from the list, its text is lost. The recording itself stays.</source>
        <translation>如果从列表中移除，它的文本将会丢失。录音文件本身会保留。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Keep them</source>
        <translation>保留</translation>
    </message>
</context>
<context>
    <name>RecordingOptionsDialog</name>
    <message>
        <source>As each has it</source>
        <translation>保持各自设置</translation>
    </message>
    <message>
        <source>{name} (is gone)</source>
        <translation>{name}（已不存在）</translation>
    </message>
    <message>
        <source>Options of these recordings</source>
        <translation>这些录音的选项</translation>
    </message>
    <message>
        <source>{name} and {n} more</source>
        <translation>{name} 及另外 {n} 个</translation>
    </message>
    <message>
        <source>Only for what is selected. What has text already keeps it, and goes on like this.</source>
        <translation>仅用于所选录音。已有的文本会保留，其余部分按此继续。</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>Another one is loaded when their turn comes; afterwards the one in use is loaded again.</source>
        <translation>轮到它们时加载另一个模型；之后重新加载正在使用的模型。</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>The language spoken in these recordings</source>
        <translation>这些录音中所说的语言</translation>
    </message>
    <message>
        <source>&amp;Task</source>
        <translation>任务(&amp;T)</translation>
    </message>
    <message>
        <source>What to do with these recordings</source>
        <translation>对这些录音的处理方式</translation>
    </message>
</context>
<context>
    <name>Recordings</name>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Transcribing…</source>
        <translation>正在转写…</translation>
    </message>
    <message>
        <source>Being dictated</source>
        <translation>正在听写</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>Cancelled · partial text</source>
        <translation>已取消 · 部分文本</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Paused at {percent}</source>
        <translation>已暂停（{percent}）</translation>
    </message>
    <message>
        <source>Waiting at {percent}</source>
        <translation>等待中（已完成 {percent}）</translation>
    </message>
    <message>
        <source>{language} → English</source>
        <translation>{language} → 英语</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>模型：{name}</translation>
    </message>
    <message>
        <source>{option}: no</source>
        <translation>{option}：否</translation>
    </message>
    <message>
        <source>{option}: {value}</source>
        <translation>{option}：{value}</translation>
    </message>
</context>
<context>
    <name>RecordingsHeader</name>
    <message>
        <source>{n} to do</source>
        <translation>待处理 {n} 个</translation>
    </message>
    <message>
        <source>{n} done</source>
        <translation>完成 {n} 个</translation>
    </message>
    <message>
        <source>{n} paused</source>
        <translation>暂停 {n} 个</translation>
    </message>
    <message>
        <source>{n} failed</source>
        <translation>失败 {n} 个</translation>
    </message>
    <message>
        <source>None yet</source>
        <translation>还没有</translation>
    </message>
    <message>
        <source>Recordings</source>
        <translation>录音</translation>
    </message>
</context>
<context>
    <name>RecordingsView</name>
    <message>
        <source>Recordings</source>
        <translation>录音</translation>
    </message>
    <message>
        <source>What waits is done in this order. Rows can be dragged; the menu key shows what can be done.</source>
        <translation>等待的录音按此顺序处理。各行可以拖动；菜单键显示可用的操作。</translation>
    </message>
</context>
<context>
    <name>ReportWindow</name>
    <message>
        <source>Being put together…</source>
        <translation>正在汇总…</translation>
    </message>
    <message>
        <source>Problem report</source>
        <translation>问题报告</translation>
    </message>
    <message>
        <source>Nothing is sent. Read it, and copy or save it if you want to attach it to a bug report. It holds no text of your recordings and none of the words you typed.</source>
        <translation>不会发送任何内容。请先阅读；如需附在错误报告中，可复制或保存。其中不含录音的文字，也不含您输入的词语。</translation>
    </message>
    <message>
        <source>&amp;Hide names of files, folders and of the user</source>
        <translation>隐藏文件、文件夹和用户的名称(&amp;H)</translation>
    </message>
    <message>
        <source>They stand for themselves as &lt;file 1.mp3&gt; or &lt;path&gt;</source>
        <translation>以 &lt;file 1.mp3&gt; 或 &lt;path&gt; 代替</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Versions, this machine, options, and the end of the log</source>
        <translation>版本、本机信息、选项和日志末尾</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>复制(&amp;C)</translation>
    </message>
    <message>
        <source>Copies the report as it is shown</source>
        <translation>复制当前显示的报告</translation>
    </message>
    <message>
        <source>&amp;Save…</source>
        <translation>保存(&amp;S)…</translation>
    </message>
    <message>
        <source>Writes the report as it is shown to a text file</source>
        <translation>将当前显示的报告写入文本文件</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>The report is not kept</source>
        <translation>报告不会保留</translation>
    </message>
</context>
<context>
    <name>SaveDialog</name>
    <message>
        <source>Save automatically</source>
        <translation>自动保存</translation>
    </message>
    <message>
        <source>Save texts</source>
        <translation>保存文本</translation>
    </message>
    <message>
        <source>Save the texts of the selected recordings as:</source>
        <translation>将所选录音的文本保存为：</translation>
    </message>
    <message>
        <source>When a recording is done, save its text as:</source>
        <translation>录音转写完成后，将文字保存为：</translation>
    </message>
    <message>
        <source>Save as chosen here</source>
        <translation>按此处的选择保存</translation>
    </message>
    <message>
        <source>Leave everything as it was</source>
        <translation>保持原样</translation>
    </message>
</context>
<context>
    <name>SaveRuleForm</name>
    <message>
        <source>Choose a folder.</source>
        <translation>请选择文件夹。</translation>
    </message>
    <message>
        <source>From interview.mp3: {names}</source>
        <translation>interview.mp3 将保存为：{names}</translation>
    </message>
    <message>
        <source>Nothing is saved.</source>
        <translation>不保存任何文件。</translation>
    </message>
    <message>
        <source>How &amp;subtitles are made…</source>
        <translation>字幕的生成方式(&amp;S)…</translation>
    </message>
    <message>
        <source>Length of lines, speed of reading and gaps of SRT, VTT, LRC and ASS files</source>
        <translation>SRT、VTT、LRC 和 ASS 文件的行长、阅读速度和间隔</translation>
    </message>
    <message>
        <source>Where:</source>
        <translation>位置：</translation>
    </message>
    <message>
        <source>&amp;Beside the recording</source>
        <translation>与录音放在一起(&amp;B)</translation>
    </message>
    <message>
        <source>In the &amp;folder</source>
        <translation>放入文件夹(&amp;F)</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>C&amp;hoose…</source>
        <translation>选择(&amp;H)…</translation>
    </message>
    <message>
        <source>&amp;Name</source>
        <translation>名称(&amp;N)</translation>
    </message>
    <message>
        <source>Filled in for each recording: {gaps}</source>
        <translation>按每个录音填入：{gaps}</translation>
    </message>
    <message>
        <source>&amp;Replace files that are there; otherwise a number is added</source>
        <translation>替换已有文件(&amp;R)；否则在名称后加编号</translation>
    </message>
    <message>
        <source>Into the folder that the recording is in</source>
        <translation>存到录音所在的文件夹</translation>
    </message>
    <message>
        <source>All into one folder</source>
        <translation>全部存到一个文件夹</translation>
    </message>
    <message>
        <source>Otherwise nothing that is there is touched</source>
        <translation>否则不会改动已有的文件</translation>
    </message>
    <message>
        <source>The folder for all files</source>
        <translation>存放所有文件的文件夹</translation>
    </message>
    <message>
        <source>Choose the folder for all files</source>
        <translation>选择存放所有文件的文件夹</translation>
    </message>
    <message>
        <source>How files are called, without their endings</source>
        <translation>文件名（不含扩展名）</translation>
    </message>
</context>
<context>
    <name>SearchWindow</name>
    <message>
        <source>Type what was said: it is looked for in the texts of all recordings in the list.</source>
        <translation>输入说过的话：将在列表中所有录音的文字里查找。</translation>
    </message>
    <message>
        <source>No recording in the list has this text.</source>
        <translation>列表中没有录音包含这段文字。</translation>
    </message>
    <message>
        <source>Searching…</source>
        <translation>正在搜索…</translation>
    </message>
    <message>
        <source>Places: {n}, in recordings: {m}</source>
        <translation>共 {n} 处，在 {m} 个录音中</translation>
    </message>
    <message>
        <source>The first {n} places, in recordings: {m}. Type more to find others.</source>
        <translation>前 {n} 处，在 {m} 个录音中。输入更多文字可找到其他位置。</translation>
    </message>
    <message>
        <source>Search all transcripts</source>
        <translation>搜索所有转录</translation>
    </message>
    <message>
        <source>Text to look for</source>
        <translation>要查找的文字</translation>
    </message>
    <message>
        <source>Case does not count. Enter shows the selected place; the arrow keys choose it.</source>
        <translation>不区分大小写。用方向键选择，按 Enter 键显示所选位置。</translation>
    </message>
    <message>
        <source>What was found</source>
        <translation>查找结果</translation>
    </message>
    <message>
        <source>Recordings, and below each its places; Enter shows one</source>
        <translation>录音，以及每个录音下面的各处；按 Enter 键显示其中一处</translation>
    </message>
</context>
<context>
    <name>SegmentDialogs</name>
    <message>
        <source>Change it; that can be undone</source>
        <translation>应用修改；可以撤销</translation>
    </message>
</context>
<context>
    <name>SettingsDesk</name>
    <message>
        <source>Reset all settings?</source>
        <translation>要重置所有设置吗？</translation>
    </message>
    <message>
        <source>Profiles and keys go too. Recordings, texts and models stay.</source>
        <translation>配置方案和按键也会重置。录音、文稿和模型保留。</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>重置</translation>
    </message>
    <message>
        <source>Keep them</source>
        <translation>保留</translation>
    </message>
</context>
<context>
    <name>SettingsWindow</name>
    <message>
        <source>The best there is</source>
        <translation>自动选择最佳</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>{device} (not there)</source>
        <translation>{device}（不可用）</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Of menus and messages.</source>
        <translation>菜单和消息的语言。</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Light, dark, or as the system has it.</source>
        <translation>浅色、深色或跟随系统。</translation>
    </message>
    <message>
        <source>Size of texts</source>
        <translation>文字大小</translation>
    </message>
    <message>
        <source>Compared with what the system asks for.</source>
        <translation>相对于系统设置的大小。</translation>
    </message>
    <message>
        <source>Notification</source>
        <translation>通知</translation>
    </message>
    <message>
        <source>The desktop tells when all recordings are through.</source>
        <translation>所有录音完成后由桌面通知。</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Larger models hear better and take longer; here they are fetched.</source>
        <translation>模型越大识别越好，但耗时越长；可在此下载。</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>What does the work. The panel at the lower left says what does now.</source>
        <translation>由什么来运算。左下角的面板显示当前使用的设备。</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Of the CPU. More than it has cores make it slower, and the rest of the computer too.</source>
        <translation>CPU 的线程数。超过核心数会变慢，也会拖慢整台电脑。</translation>
    </message>
    <message>
        <source>Watched folder</source>
        <translation>监视的文件夹</translation>
    </message>
    <message>
        <source>Recordings that appear in it are transcribed by themselves.</source>
        <translation>其中出现的录音会自动转写。</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>Nothing is fetched then. Transcribing needs no network, and nothing is ever sent.</source>
        <translation>关闭后不下载任何内容。转写不需要网络，也不会发送任何数据。</translation>
    </message>
    <message>
        <source>Connection</source>
        <translation>连接</translation>
    </message>
    <message>
        <source>A proxy, certificates, and where models are fetched from first.</source>
        <translation>代理、证书以及优先从哪里下载模型。</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>General</source>
        <translation>常规</translation>
    </message>
    <message>
        <source>Recognition</source>
        <translation>识别</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Profiles</source>
        <translation>配置方案</translation>
    </message>
    <message>
        <source>Pages</source>
        <translation>页面</translation>
    </message>
    <message>
        <source>Which settings are shown</source>
        <translation>显示哪些设置</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>One for each core</source>
        <translation>每个核心一个</translation>
    </message>
    <message>
        <source>Tell me when all is done</source>
        <translation>全部完成时通知我</translation>
    </message>
    <message>
        <source>Network off</source>
        <translation>关闭网络</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>When a recording is done, save its text as:</source>
        <translation>录音转写完成后，将文字保存为：</translation>
    </message>
    <message>
        <source>Watch a folder…</source>
        <translation>监视文件夹…</translation>
    </message>
    <message>
        <source>Proxy, certificates, mirror…</source>
        <translation>代理、证书、镜像…</translation>
    </message>
    <message>
        <source>Reset all settings…</source>
        <translation>重置所有设置…</translation>
    </message>
    <message>
        <source>Everything is as at the first start; recordings and models stay</source>
        <translation>一切恢复到首次启动时的状态；录音和模型保留</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Changes hold already</source>
        <translation>更改已生效</translation>
    </message>
</context>
<context>
    <name>ShortcutsPage</name>
    <message>
        <source>{keys} already means “{command}”. Give that other keys first.</source>
        <translation>{keys} 已用于“{command}”。请先为它指定其他按键。</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Commands and their keys</source>
        <translation>命令及其按键</translation>
    </message>
    <message>
        <source>Select a command, then press its new keys in the field below</source>
        <translation>选择一个命令，然后在下方按下新的按键</translation>
    </message>
    <message>
        <source>Keys of the selected command</source>
        <translation>所选命令的按键</translation>
    </message>
    <message>
        <source>Click here and press the keys</source>
        <translation>点击此处并按下按键</translation>
    </message>
    <message>
        <source>No keys</source>
        <translation>无按键</translation>
    </message>
    <message>
        <source>The command stays in its menu</source>
        <translation>命令仍保留在菜单中</translation>
    </message>
    <message>
        <source>All as they come</source>
        <translation>全部恢复默认</translation>
    </message>
    <message>
        <source>Gives every command the keys it had at first</source>
        <translation>将所有命令恢复为最初的按键</translation>
    </message>
</context>
<context>
    <name>SpeakerDialog</name>
    <message>
        <source>Speaker</source>
        <translation>说话人</translation>
    </message>
    <message>
        <source>&amp;Who speaks in the selected segments</source>
        <translation>所选片段的说话人(&amp;W)</translation>
    </message>
    <message>
        <source>Choose a name or type a new one. Without a name nobody is named.</source>
        <translation>选择一个名字，或输入新的名字。留空则不标说话人。</translation>
    </message>
    <message>
        <source>The names there are in this text can be chosen</source>
        <translation>可选择本文中已有的名字</translation>
    </message>
    <message>
        <source>&amp;All segments of {name}</source>
        <translation>{name} 的所有片段(&amp;A)</translation>
    </message>
    <message>
        <source>Not only the selected ones: another name for the same person</source>
        <translation>不仅是所选片段：给同一个人换名字</translation>
    </message>
</context>
<context>
    <name>StatusPanel</name>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Choose another model…</source>
        <translation>选择其他模型…</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>What does the work, and how well</source>
        <translation>由什么处理，速度如何</translation>
    </message>
    <message>
        <source>Opens the window of models</source>
        <translation>打开模型窗口</translation>
    </message>
    <message>
        <source>Fewer details</source>
        <translation>收起详情</translation>
    </message>
    <message>
        <source>More details</source>
        <translation>更多详情</translation>
    </message>
    <message>
        <source>Tokens, fallbacks and the queue</source>
        <translation>词元、回退和队列</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>复制为文本</translation>
    </message>
    <message>
        <source>Copies all of this, for a bug report</source>
        <translation>复制以上全部内容，用于错误报告</translation>
    </message>
    <message>
        <source>What computes at this moment; below it, why it is this one</source>
        <translation>当前进行计算的设备；下方说明选用它的原因</translation>
    </message>
    <message>
        <source>The model in use, how it is quantized, and the size of its file</source>
        <translation>正在使用的模型、量化方式和文件大小</translation>
    </message>
    <message>
        <source>Curve: memory of this program on the device, over two minutes. Bar: this program, others, and what is free.</source>
        <translation>曲线：本程序两分钟内在设备上占用的内存。条形：本程序、其他程序和可用内存。</translation>
    </message>
    <message>
        <source>Real-time factor: processing seconds per second of audio. Below 1 is faster than real time.</source>
        <translation>实时率：处理每秒音频所用的秒数。小于 1 表示快于实时。</translation>
    </message>
    <message>
        <source>What is spoken, as far as it was recognised or chosen</source>
        <translation>录音中的语言（识别或选定的）</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>词元</translation>
    </message>
    <message>
        <source>Pieces of words that the model writes, tried and dropped ones too</source>
        <translation>模型写出的词片段，包括尝试后舍弃的</translation>
    </message>
    <message>
        <source>Fallbacks</source>
        <translation>回退</translation>
    </message>
    <message>
        <source>Windows whose text looked wrong, so that they were decoded again at a higher temperature</source>
        <translation>文字看起来有误、因而以更高温度重新解码的窗口</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>What waits, how much sound that is, and how long it takes at this pace</source>
        <translation>等待的录音、其声音时长，以及按目前速度所需的时间</translation>
    </message>
    <message>
        <source>Loading {name}…</source>
        <translation>正在加载 {name}…</translation>
    </message>
    <message>
        <source>{name} could not be loaded</source>
        <translation>无法加载 {name}</translation>
    </message>
    <message>
        <source>{name}, for this recording</source>
        <translation>{name}，仅用于此录音</translation>
    </message>
    <message>
        <source>{size} used</source>
        <translation>已用 {size}</translation>
    </message>
    <message>
        <source>peak {size}</source>
        <translation>峰值 {size}</translation>
    </message>
    <message>
        <source>{free} of {total} free</source>
        <translation>可用 {free}，共 {total}</translation>
    </message>
    <message>
        <source>now {factor}</source>
        <translation>目前 {factor}</translation>
    </message>
    <message>
        <source>{n} so far</source>
        <translation>目前共 {n} 个</translation>
    </message>
    <message>
        <source>{rate} per second, {n} so far</source>
        <translation>每秒 {rate} 个，目前共 {n} 个</translation>
    </message>
    <message>
        <source>{n} in {windows} windows</source>
        <translation>{windows} 个窗口中 {n} 次</translation>
    </message>
    <message>
        <source>nothing waits</source>
        <translation>没有等待的录音</translation>
    </message>
    <message>
        <source>{time} of sound</source>
        <translation>声音时长 {time}</translation>
    </message>
    <message>
        <source>at least {sound}</source>
        <translation>至少{sound}</translation>
    </message>
    <message>
        <source>{n} waiting</source>
        <translation>{n} 个等待</translation>
    </message>
    <message>
        <source>{name} (chosen)</source>
        <translation>{name}（已指定）</translation>
    </message>
    <message>
        <source>{name} (detected, {percent})</source>
        <translation>{name}（检测到，{percent}）</translation>
    </message>
</context>
<context>
    <name>SubtitleDialog</name>
    <message>
        <source>It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.</source>
        <translation>凡是有钱的单身汉，总想娶位太太，这已经成了一条举世公认的真理。</translation>
    </message>
    <message>
        <source>Subtitles</source>
        <translation>字幕</translation>
    </message>
    <message>
        <source>How a transcript becomes subtitles, in SRT, VTT, LRC and ASS files:</source>
        <translation>转写文本如何变成字幕（SRT、VTT、LRC 和 ASS 文件）：</translation>
    </message>
    <message>
        <source>As spoken: one subtitle for each segment</source>
        <translation>按语音：每段一条字幕</translation>
    </message>
    <message>
        <source>Television and streaming</source>
        <translation>电视与流媒体</translation>
    </message>
    <message>
        <source>For children: time to read slowly</source>
        <translation>儿童节目：留出慢读的时间</translation>
    </message>
    <message>
        <source>Upright video: one short line</source>
        <translation>竖屏视频：一行短字幕</translation>
    </message>
    <message>
        <source>Own values</source>
        <translation>自定义</translation>
    </message>
    <message>
        <source>&amp;Manner</source>
        <translation>方式(&amp;M)</translation>
    </message>
    <message>
        <source>Manner of subtitles</source>
        <translation>字幕方式</translation>
    </message>
    <message>
        <source>Sets all values below</source>
        <translation>设定下面的所有数值</translation>
    </message>
    <message>
        <source>Letters</source>
        <translation>字母文字</translation>
    </message>
    <message>
        <source>Chinese, Japanese, Korean</source>
        <translation>中日韩文字</translation>
    </message>
    <message>
        <source>Example:</source>
        <translation>示例：</translation>
    </message>
    <message>
        <source>Lines end between phrases. A subtitle stays until it can be read, where the next one leaves the time.</source>
        <translation>在词语之间换行。只要下一条字幕留有时间，字幕会一直显示到能读完为止。</translation>
    </message>
    <message>
        <source>any</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>as letters</source>
        <translation>同字母文字</translation>
    </message>
    <message>
        <source> ms</source>
        <translation> 毫秒</translation>
    </message>
    <message>
        <source>For all subtitles that are saved or copied from now on</source>
        <translation>用于今后保存或复制的所有字幕</translation>
    </message>
    <message>
        <source>Leave subtitles as they are</source>
        <translation>字幕设置保持不变</translation>
    </message>
    <message>
        <source>&amp;Characters of a line</source>
        <translation>每行字符数(&amp;C)</translation>
    </message>
    <message>
        <source>Longer lines are broken; a word that is longer stands alone.</source>
        <translation>更长的行会被断开；超长的单词独占一行。</translation>
    </message>
    <message>
        <source>Characters to &amp;read in a second</source>
        <translation>每秒可读字符数(&amp;R)</translation>
    </message>
    <message>
        <source>Subtitles stay longer than they are spoken where this would be too fast.</source>
        <translation>说得太快时，字幕停留的时间会比语音更长。</translation>
    </message>
    <message>
        <source>&amp;Lines of a subtitle</source>
        <translation>每条字幕行数(&amp;L)</translation>
    </message>
    <message>
        <source>What is longer becomes several subtitles.</source>
        <translation>更长的内容会分成几条字幕。</translation>
    </message>
    <message>
        <source>&amp;Gap between subtitles</source>
        <translation>字幕间隔(&amp;G)</translation>
    </message>
    <message>
        <source>So that one sees that the text has changed.</source>
        <translation>让人看得出文字已经换了。</translation>
    </message>
</context>
<context>
    <name>Tensors</name>
    <message>
        <source>Tensor</source>
        <translation>张量</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>Shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Least</source>
        <translation>最小值</translation>
    </message>
    <message>
        <source>Largest</source>
        <translation>最大值</translation>
    </message>
    <message>
        <source>Spread</source>
        <translation>离散度</translation>
    </message>
    <message>
        <source>Standard deviation</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>No numbers</source>
        <translation>非数值</translation>
    </message>
    <message>
        <source>Weights that are NaN or infinite</source>
        <translation>为 NaN 或无穷大的权重</translation>
    </message>
    <message>
        <source>Max error</source>
        <translation>最大误差</translation>
    </message>
    <message>
        <source>Largest difference of a weight from the definition of its format</source>
        <translation>权重与其格式定义之间的最大差值</translation>
    </message>
</context>
<context>
    <name>Texts</name>
    <message>
        <source>almost done</source>
        <translation>即将完成</translation>
    </message>
    <message>
        <source>about {n} s left</source>
        <translation>大约还需 {n} 秒</translation>
    </message>
    <message>
        <source>about {n} min left</source>
        <translation>大约还需 {n} 分钟</translation>
    </message>
    <message>
        <source>about {h} h {m} min left</source>
        <translation>大约还需 {h} 小时 {m} 分钟</translation>
    </message>
    <message>
        <source>{n} %</source>
        <translation>{n}%</translation>
    </message>
    <message>
        <source>{rtf} ({speed}× faster than real time)</source>
        <translation>{rtf}（实时速度的 {speed} 倍）</translation>
    </message>
    <message>
        <source>{rtf} ({speed}× slower than real time)</source>
        <translation>{rtf}（慢于实时，用时 {speed} 倍）</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>纯文本</translation>
    </message>
    <message>
        <source>Plain text with times</source>
        <translation>带时间的纯文本</translation>
    </message>
    <message>
        <source>SubRip subtitles</source>
        <translation>SubRip 字幕</translation>
    </message>
    <message>
        <source>WebVTT subtitles</source>
        <translation>WebVTT 字幕</translation>
    </message>
    <message>
        <source>WebVTT, word by word</source>
        <translation>WebVTT（逐词）</translation>
    </message>
    <message>
        <source>Tab-separated table</source>
        <translation>制表符分隔的表格</translation>
    </message>
    <message>
        <source>JSON with all details</source>
        <translation>包含全部细节的 JSON</translation>
    </message>
    <message>
        <source>Lyrics with times</source>
        <translation>带时间的歌词</translation>
    </message>
    <message>
        <source>Advanced SubStation Alpha subtitles</source>
        <translation>Advanced SubStation Alpha 字幕</translation>
    </message>
    <message>
        <source>Comma-separated table</source>
        <translation>逗号分隔的表格</translation>
    </message>
    <message>
        <source>Markdown</source>
        <translation>Markdown</translation>
    </message>
    <message>
        <source>Web page</source>
        <translation>网页</translation>
    </message>
    <message>
        <source>Word document</source>
        <translation>Word 文档</translation>
    </message>
    <message>
        <source>PDF document</source>
        <translation>PDF 文档</translation>
    </message>
    <message>
        <source>A line for each segment</source>
        <translation>每段一行</translation>
    </message>
    <message>
        <source>A line for each segment, with its time before it</source>
        <translation>每段一行，前面有时间</translation>
    </message>
    <message>
        <source>For almost every player and video editor</source>
        <translation>几乎所有播放器和视频编辑软件都支持</translation>
    </message>
    <message>
        <source>For videos on web pages</source>
        <translation>用于网页视频</translation>
    </message>
    <message>
        <source>Words appear as they are spoken; needs the time of every word</source>
        <translation>文字随语音逐词出现；需要每个词的时间</translation>
    </message>
    <message>
        <source>For music players</source>
        <translation>用于音乐播放器</translation>
    </message>
    <message>
        <source>With a style of their own, and karaoke</source>
        <translation>带样式，支持卡拉 OK</translation>
    </message>
    <message>
        <source>Times in milliseconds and text, for programs</source>
        <translation>毫秒时间和文本，供程序使用</translation>
    </message>
    <message>
        <source>Times in milliseconds and text, for spreadsheets</source>
        <translation>毫秒时间和文本，供电子表格使用</translation>
    </message>
    <message>
        <source>All that is known of each segment and word, for programs</source>
        <translation>每段、每词的全部信息，供程序使用</translation>
    </message>
    <message>
        <source>With times, for notes</source>
        <translation>带时间，用于笔记</translation>
    </message>
    <message>
        <source>To read in a browser; doubtful text is marked</source>
        <translation>在浏览器中阅读；存疑文字有标记</translation>
    </message>
    <message>
        <source>To edit in Word, LibreOffice or Pages</source>
        <translation>用 Word、LibreOffice 或 Pages 编辑</translation>
    </message>
    <message>
        <source>To print</source>
        <translation>用于打印</translation>
    </message>
    <message>
        <source>Speaker {n}</source>
        <translation>说话人 {n}</translation>
    </message>
    <message>
        <source>The model was not sure of this text.</source>
        <translation>模型对这段文字没有把握。</translation>
    </message>
    <message>
        <source>This text repeats itself.</source>
        <translation>这段文字自我重复。</translation>
    </message>
    <message>
        <source>The same text comes several times in a row.</source>
        <translation>同样的文字连续出现多次。</translation>
    </message>
    <message>
        <source>Nobody is heard speaking here.</source>
        <translation>此处听不到有人说话。</translation>
    </message>
    <message>
        <source>A phrase that the model likes to make up where hardly anybody speaks.</source>
        <translation>在几乎无人说话之处，模型容易编造的套话。</translation>
    </message>
</context>
<context>
    <name>TimesDialog</name>
    <message>
        <source>The start is no time: write it as 1:23.5 (minutes and seconds).</source>
        <translation>开始时间无法识别：请写成 1:23.5（分和秒）。</translation>
    </message>
    <message>
        <source>The end is no time: write it as 1:23.5 (minutes and seconds).</source>
        <translation>结束时间无法识别：请写成 1:23.5（分和秒）。</translation>
    </message>
    <message>
        <source>The end must be behind the start.</source>
        <translation>结束时间必须晚于开始时间。</translation>
    </message>
    <message>
        <source>The segment before ends at {time}: start there or later.</source>
        <translation>前一个片段在 {time} 结束：请不早于此时开始。</translation>
    </message>
    <message>
        <source>What follows, or the end of the recording, is at {time}: end there or before.</source>
        <translation>下一个片段或录音结尾在 {time}：请不晚于此时结束。</translation>
    </message>
    <message>
        <source>Times of the segment</source>
        <translation>片段时间</translation>
    </message>
    <message>
        <source>Hours, minutes and seconds, as in 1:02:03.5. The words move along.</source>
        <translation>时、分、秒，例如 1:02:03.5。词会随之移动。</translation>
    </message>
    <message>
        <source>&amp;Start</source>
        <translation>开始(&amp;S)</translation>
    </message>
    <message>
        <source>When the first word begins</source>
        <translation>第一个词开始的时间</translation>
    </message>
    <message>
        <source>&amp;End</source>
        <translation>结束(&amp;E)</translation>
    </message>
    <message>
        <source>When the last word ends</source>
        <translation>最后一个词结束的时间</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>Unsure words: {words}</source>
        <translation>不确定的词：{words}</translation>
    </message>
    <message>
        <source>Text of the segment</source>
        <translation>片段文字</translation>
    </message>
    <message>
        <source>“{word}”: {percent} sure</source>
        <translation>“{word}”：把握 {percent}</translation>
    </message>
</context>
<context>
    <name>TranscriptPage</name>
    <message>
        <source>Starting…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>{position} of {length}</source>
        <translation>{position} / {length}</translation>
    </message>
    <message>
        <source>Cancelled: the text ends at {time} of the recording.</source>
        <translation>已取消：文本到录音的 {time} 为止。</translation>
    </message>
    <message>
        <source>Waiting for its turn</source>
        <translation>正在排队等待</translation>
    </message>
    <message>
        <source>The text appears here as it is recognised</source>
        <translation>识别出的文本会显示在这里</translation>
    </message>
    <message>
        <source>The text appears here as it is spoken</source>
        <translation>您说话时，文字会出现在这里</translation>
    </message>
    <message>
        <source>Paused before there was any text</source>
        <translation>已暂停，尚无文字</translation>
    </message>
    <message>
        <source>No speech was found in this recording</source>
        <translation>此录音中没有发现语音</translation>
    </message>
    <message>
        <source>Cancelled before there was any text</source>
        <translation>在得到文本之前已取消</translation>
    </message>
    <message>
        <source>Partial</source>
        <translation>部分</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Let this recording rest; others go on</source>
        <translation>暂停此录音；其他录音继续</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Go on where the text ends</source>
        <translation>从文字结束处继续</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Stop this recording; the text so far stays</source>
        <translation>停止转写此录音；已有的文本会保留</translation>
    </message>
    <message>
        <source>Transcribe again</source>
        <translation>重新转写</translation>
    </message>
    <message>
        <source>Transcribe this recording again as chosen above</source>
        <translation>按上方所选重新转写此录音</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the whole text</source>
        <translation>复制全部文本</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>Save the transcript to a file</source>
        <translation>把文稿保存到文件</translation>
    </message>
    <message>
        <source>Jump to the newest text</source>
        <translation>跳到最新文本</translation>
    </message>
    <message>
        <source>Transcript</source>
        <translation>文稿</translation>
    </message>
    <message>
        <source>Space: play or pause. Left, right: five seconds. F2: edit. Tab while listening: next segment.</source>
        <translation>空格：播放或暂停。左、右：五秒。F2：编辑。收听时按 Tab：下一段。</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
</context>
<context>
    <name>Types</name>
    <message>
        <source>Quantized weights stay as they are.</source>
        <translation>已量化的权重保持不变。</translation>
    </message>
    <message>
        <source>Exact, twice as large as F16.</source>
        <translation>精确，大小是 F16 的两倍。</translation>
    </message>
    <message>
        <source>As OpenAI publishes its models.</source>
        <translation>与 OpenAI 发布的模型相同。</translation>
    </message>
    <message>
        <source>Half as large as F16; hardly to be told from it.</source>
        <translation>约为 F16 的一半，几乎没有差别。</translation>
    </message>
    <message>
        <source>A little over a third of F16, a good middle.</source>
        <translation>略大于 F16 的三分之一，较为均衡。</translation>
    </message>
    <message>
        <source>A third of F16, a good middle for large models.</source>
        <translation>约为 F16 的三分之一，适合大模型。</translation>
    </message>
    <message>
        <source>Under a third of F16; more mistakes, above all in small models.</source>
        <translation>不到 F16 的三分之一；错误更多，小模型尤其明显。</translation>
    </message>
    <message>
        <source>The smallest; more mistakes, above all in small models.</source>
        <translation>最小；错误更多，小模型尤其明显。</translation>
    </message>
</context>
<context>
    <name>VerifyWindow</name>
    <message>
        <source>Verify {name}</source>
        <translation>检验 {name}</translation>
    </message>
    <message>
        <source>Tensors</source>
        <translation>张量</translation>
    </message>
    <message>
        <source>Each part of the model with its type, its values and what was found</source>
        <translation>模型的各个部分及其类型、数值和检查结果</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Stops the check; the file stays as it is</source>
        <translation>停止检查；文件保持不变</translation>
    </message>
    <message>
        <source>Closes this window</source>
        <translation>关闭此窗口</translation>
    </message>
    <message>
        <source>The check was cancelled</source>
        <translation>检验已取消</translation>
    </message>
    <message>
        <source>Get the model again, or another one.</source>
        <translation>请重新获取该模型，或换一个模型。</translation>
    </message>
    <message>
        <source>Checking every tensor…</source>
        <translation>正在检查每个张量…</translation>
    </message>
    <message>
        <source>{names} and {n} more tensors cannot be relied on</source>
        <translation>{names} 以及另外 {n} 个张量不可靠</translation>
    </message>
    <message>
        <source>Not to be relied on: {names}</source>
        <translation>不可靠：{names}</translation>
    </message>
    <message>
        <source>The file is a published one</source>
        <translation>该文件是已发布的文件</translation>
    </message>
    <message>
        <source>Not a published file we know</source>
        <translation>不是已知的已发布文件</translation>
    </message>
    <message>
        <source>All {n} tensors are sound</source>
        <translation>全部 {n} 个张量正常</translation>
    </message>
    <message>
        <source>All {n} tensors are sound; largest error {error}</source>
        <translation>全部 {n} 个张量正常；最大误差 {error}</translation>
    </message>
    <message>
        <source>No published file we know is like it: it was converted, trained or changed. SHA-256 {hash}…</source>
        <translation>没有已知的已发布文件与它相同：经过转换、训练或改动。SHA-256 {hash}…</translation>
    </message>
    <message>
        <source>Byte by byte the file published by {origin}. SHA-256 {hash}…</source>
        <translation>与 {origin} 发布的文件逐字节相同。SHA-256 {hash}…</translation>
    </message>
</context>
<context>
    <name>VolumeControl</name>
    <message>
        <source>Volume</source>
        <translation>音量</translation>
    </message>
    <message>
        <source>Volume: {percent}</source>
        <translation>音量：{percent}</translation>
    </message>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>Play it aloud again</source>
        <translation>恢复声音</translation>
    </message>
    <message>
        <source>Play without sound</source>
        <translation>静音播放</translation>
    </message>
</context>
<context>
    <name>WatchDialog</name>
    <message>
        <source>Do as it is chosen here</source>
        <translation>按此处的选择执行</translation>
    </message>
    <message>
        <source>Leave everything as it was</source>
        <translation>保持原样</translation>
    </message>
    <message>
        <source>Choose a folder.</source>
        <translation>请选择一个文件夹。</translation>
    </message>
    <message>
        <source>Watch a folder</source>
        <translation>监视文件夹</translation>
    </message>
    <message>
        <source>&amp;Watch a folder</source>
        <translation>监视一个文件夹(&amp;W)</translation>
    </message>
    <message>
        <source>A recording that comes into it is transcribed by itself, once, when it has been there in full.</source>
        <translation>放入其中的录音在完整写入后会自动转写，每个只转写一次。</translation>
    </message>
    <message>
        <source>&amp;Folder</source>
        <translation>文件夹(&amp;F)</translation>
    </message>
    <message>
        <source>Watched folder</source>
        <translation>监视的文件夹</translation>
    </message>
    <message>
        <source>Its full path; it may be on a network drive</source>
        <translation>完整路径；可以在网络驱动器上</translation>
    </message>
    <message>
        <source>C&amp;hoose…</source>
        <translation>选择(&amp;H)…</translation>
    </message>
    <message>
        <source>Choose the folder</source>
        <translation>选择文件夹</translation>
    </message>
    <message>
        <source>The folders &amp;in it, too</source>
        <translation>包括其中的子文件夹(&amp;I)</translation>
    </message>
    <message>
        <source>Recordings in folders below it are taken as well</source>
        <translation>子文件夹中的录音也会被转写</translation>
    </message>
    <message>
        <source>Begin with the recordings that are there &amp;already</source>
        <translation>先转写其中已有的录音(&amp;A)</translation>
    </message>
    <message>
        <source>Otherwise only those that come from now on are taken</source>
        <translation>否则只转写今后新增的录音</translation>
    </message>
    <message>
        <source>Texts are saved by themselves as: {formats}.</source>
        <translation>文本会自动保存为：{formats}。</translation>
    </message>
    <message>
        <source>Texts stay in the list: none is saved by itself.</source>
        <translation>文本只保留在列表中，不会自动保存。</translation>
    </message>
    <message>
        <source>Save automatically…</source>
        <translation>自动保存…</translation>
    </message>
    <message>
        <source>Choose in which formats texts are saved, and where</source>
        <translation>选择文本的保存格式和位置</translation>
    </message>
</context>
<context>
    <name>WatchIndicator</name>
    <message>
        <source>Not there: {folder}</source>
        <translation>不存在：{folder}</translation>
    </message>
    <message>
        <source>The watched folder {path} cannot be looked at. It is tried again and again.</source>
        <translation>无法查看被监视的文件夹 {path}。会不断重试。</translation>
    </message>
    <message>
        <source>Watched: {folder}</source>
        <translation>监视中：{folder}</translation>
    </message>
    <message>
        <source>New recordings in {path} are transcribed by themselves.</source>
        <translation>{path} 中的新录音会自动转写。</translation>
    </message>
</context>
<context>
    <name>Welcome</name>
    <message>
        <source>Looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>{name} was found: with it recordings are through several times as fast.</source>
        <translation>找到 {name}：使用它，转写速度可提高数倍。</translation>
    </message>
    <message>
        <source>The processor does the work. {cause}</source>
        <translation>由处理器完成运算。{cause}</translation>
    </message>
    <message>
        <source>The one that came along suits this computer. There are others for when it mishears.</source>
        <translation>自带的模型适合这台电脑。如果识别有误，还有其他模型可选。</translation>
    </message>
    <message>
        <source>{name} ({size}) would hear better here.</source>
        <translation>{name}（{size}）在本机上识别效果会更好。</translation>
    </message>
    <message>
        <source>Is it heard? The bar moves when you speak.</source>
        <translation>能听到吗？说话时音量条会移动。</translation>
    </message>
    <message>
        <source>None is connected.</source>
        <translation>未连接麦克风。</translation>
    </message>
</context>
<context>
    <name>WelcomeDialog</name>
    <message>
        <source>Welcome</source>
        <translation>欢迎</translation>
    </message>
</context>
<context>
    <name>WelcomePanel</name>
    <message>
        <source>Everything works already. Three things that you may want to look at first:</source>
        <translation>一切已可使用。以下三项您可能想先看一看：</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>It is in the menu “Help”</source>
        <translation>可在“帮助”菜单中找到</translation>
    </message>
    <message>
        <source>Skip</source>
        <translation>跳过</translation>
    </message>
    <message>
        <source>Hides this for good; all of it is in the menus</source>
        <translation>不再显示；这些功能都在菜单中</translation>
    </message>
    <message>
        <source>Graphics card</source>
        <translation>显卡</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Microphone</source>
        <translation>麦克风</translation>
    </message>
    <message>
        <source>GPU support…</source>
        <translation>GPU 支持…</translation>
    </message>
    <message>
        <source>Fetches what the GPU needs, and tests it</source>
        <translation>下载 GPU 所需内容并进行测试</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>All models, with what each needs on this computer</source>
        <translation>所有模型及其在本机上的需求</translation>
    </message>
    <message>
        <source>Listen</source>
        <translation>试听</translation>
    </message>
    <message>
        <source>Shows how loud it is at this microphone; nothing is recorded</source>
        <translation>显示此麦克风的音量；不会录音</translation>
    </message>
    <message>
        <source>Which one to listen to</source>
        <translation>选择要监听的麦克风</translation>
    </message>
    <message>
        <source>Level of the microphone</source>
        <translation>麦克风音量</translation>
    </message>
</context>
</TS>
